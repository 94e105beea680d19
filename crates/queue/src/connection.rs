//! The supervised connection.
//!
//! One task owns it: it connects, declares the topology, watches, and connects again. Everybody else gets the session of the
//! moment, or waits for the next one.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::StreamExt;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, Event};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::settings::Endpoint;
use crate::{DEAD_LETTER_QUEUE, Deliveries, JobKind, QueueError, QueueSettings, publish, topology};

/// One attempt: TCP, TLS, login, declarations.
const ATTEMPT_DEADLINE: Duration = Duration::from_secs(10);
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);
/// Events tell of a broken connection at once; this is for what no event tells.
const STATUS_CHECK: Duration = Duration::from_secs(1);

/// A connection to RabbitMQ that restores itself. Clones share it; it ends with the last clone.
#[derive(Clone)]
pub struct Queue {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) settings: QueueSettings,
    pub(crate) broker: String,
    pub(crate) state: watch::Receiver<State>,
    /// One publish at a time: the broker's returned messages carry no number that tells which of several they belong to.
    pub(crate) publisher: Mutex<Option<publish::Publisher>>,
    stop: CancellationToken,
    _stop_with_the_last_clone: DropGuard,
}

#[derive(Clone)]
pub(crate) enum State {
    Connecting { last_error: Option<lapin::Error> },
    Connected(Arc<Session>),
    Closed,
}

/// One connection, from connect to break.
pub(crate) struct Session {
    pub(crate) number: u64,
    connection: Connection,
}

impl Session {
    pub(crate) async fn channel(&self) -> lapin::Result<Channel> {
        self.connection.create_channel().await
    }
}

impl Queue {
    /// Connects and declares the topology in the background, and keeps the connection up there. The broker need not be there
    /// yet: until it is, [`is_connected`](Self::is_connected) says so, and publishing and consuming wait.
    ///
    /// Once `cancel` is cancelled nothing is connected again and nobody waits for a connection, but one that is there stays
    /// usable until [`close`](Self::close), so that the last messages can be acknowledged. To be called in the async runtime.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn open(settings: &QueueSettings, cancel: CancellationToken) -> Result<Self, QueueError> {
        Ok(Self::supervised(settings, settings.endpoint()?, None, cancel))
    }

    /// [`open`](Self::open) that returns once there is a connection.
    ///
    /// A broker that cannot be reached is tried for until the settings' deadline.
    ///
    /// # Errors
    /// Settings that cannot be used, a broker that refuses us or cannot be reached, a topology that is there but different.
    pub async fn connect(settings: &QueueSettings, cancel: CancellationToken) -> Result<Self, QueueError> {
        let endpoint = settings.endpoint()?;
        let first = first_session(&endpoint, settings.amqp_connect_deadline, &cancel).await?;
        Ok(Self::supervised(settings, endpoint, Some(first), cancel))
    }

    fn supervised(
        settings: &QueueSettings,
        endpoint: Endpoint,
        first: Option<Arc<Session>>,
        cancel: CancellationToken,
    ) -> Self {
        let broker = endpoint.name.clone();
        let (sender, state) = watch::channel(match &first {
            Some(first) => State::Connected(first.clone()),
            None => State::Connecting { last_error: None },
        });
        let stop = CancellationToken::new();
        tokio::spawn(supervise(endpoint, first, sender, cancel, stop.clone()));
        Self {
            shared: Arc::new(Shared {
                settings: settings.clone(),
                broker,
                state,
                publisher: Mutex::new(None),
                _stop_with_the_last_clone: stop.clone().drop_guard(),
                stop,
            }),
        }
    }

    /// Publishes a job and waits until the broker has it. While there is no connection it waits for one, and a message whose
    /// fate is unknown is sent again: it may arrive twice.
    ///
    /// # Errors
    /// A message that no queue takes, or that is too large; a deadline that passed ([`QueueError::retryable`]).
    pub async fn publish(
        &self,
        kind: JobKind,
        job: &[u8],
        message_id: uuid::Uuid,
        run_id: uuid::Uuid,
        traceparent: Option<&str>,
    ) -> Result<(), QueueError> {
        let properties = publish::properties(message_id, run_id, traceparent);
        publish::publish(&self.shared, kind.routing_key(), job, properties).await
    }

    /// Jobs of one kind, until `cancel` is cancelled. None is fetched before somebody waits for it, and none while
    /// `unanswered` deliveries are.
    pub fn consume(&self, kind: JobKind, unanswered: u16, cancel: CancellationToken) -> Deliveries {
        Deliveries::new(self.shared.clone(), kind.queue_name(), Some(kind), unanswered, cancel)
    }

    /// Messages that were put aside: rejected, or given back too often. Acknowledging one removes it.
    pub fn consume_dead(&self, unanswered: u16, cancel: CancellationToken) -> Deliveries {
        Deliveries::new(self.shared.clone(), DEAD_LETTER_QUEUE, None, unanswered, cancel)
    }

    /// Whether there is a connection at this moment.
    pub fn is_connected(&self) -> bool {
        match &*self.shared.state.borrow() {
            State::Connected(session) => session.connection.status().connected(),
            State::Connecting { .. } | State::Closed => false,
        }
    }

    /// Messages that wait in the queue of this kind; those that a worker holds do not count.
    ///
    /// # Errors
    /// No connection, or no answer.
    pub async fn depth(&self, kind: JobKind) -> Result<u32, QueueError> {
        self.shared.depth(kind.queue_name()).await
    }

    /// Messages that were put aside.
    ///
    /// # Errors
    /// No connection, or no answer.
    pub async fn dead_depth(&self) -> Result<u32, QueueError> {
        self.shared.depth(DEAD_LETTER_QUEUE).await
    }

    /// Ends the connection in good order: a publish that is under way gets its answer first. Whatever is called afterwards
    /// fails with [`QueueError::Closed`], and consumers end.
    pub async fn close(&self) {
        // The lock is free once the publish under way has ended.
        let _ = timeout(CLOSE_DEADLINE, self.shared.publisher.lock()).await;
        self.shared.stop.cancel();
        let mut state = self.shared.state.clone();
        let _ = timeout(CLOSE_DEADLINE, state.wait_for(|state| matches!(state, State::Closed))).await;
    }
}

impl Shared {
    /// The session of the moment, or the next one before the deadline.
    pub(crate) async fn session(&self, started: Instant, deadline: Instant) -> Result<Arc<Session>, QueueError> {
        let mut state = self.state.clone();
        loop {
            let last_error = match &*state.borrow_and_update() {
                State::Connected(session) if session.connection.status().connected() => return Ok(session.clone()),
                // Broken, and its supervisor is about to find out.
                State::Connected(_) => None,
                State::Connecting { last_error } => last_error.clone(),
                State::Closed => return Err(QueueError::Closed { broker: self.broker.clone() }),
            };
            if !matches!(tokio::time::timeout_at(deadline, state.changed()).await, Ok(Ok(()))) {
                return Err(self.unavailable(started, last_error));
            }
        }
    }

    pub(crate) fn unavailable(&self, started: Instant, source: Option<lapin::Error>) -> QueueError {
        QueueError::Unavailable { broker: self.broker.clone(), waited: started.elapsed(), source }
    }

    async fn depth(&self, queue: &str) -> Result<u32, QueueError> {
        let started = Instant::now();
        let deadline = started + ATTEMPT_DEADLINE;
        let session = self.session(started, deadline).await?;
        let ask = async {
            let channel = session.channel().await?;
            let answer = channel
                .queue_declare(queue.into(), QueueDeclareOptions::durable().passive(), FieldTable::default())
                .await?;
            let _ = channel.close(200, "".into()).await;
            Ok(answer.message_count())
        };
        match tokio::time::timeout_at(deadline, ask).await {
            Ok(Ok(depth)) => Ok(depth),
            Ok(Err(error)) => Err(self.unavailable(started, Some(error))),
            Err(_) => Err(self.unavailable(started, None)),
        }
    }
}

async fn connect_once(endpoint: &Endpoint, number: u64) -> Result<Arc<Session>, QueueError> {
    let properties = ConnectionProperties::default().with_connection_name("backtrail".into());
    let attempt = async {
        let runtime = lapin::runtime::default_runtime()?;
        let connection =
            Connection::connect_uri_with_config(endpoint.uri.clone(), properties, endpoint.tls.clone(), runtime)
                .await?;
        let channel = connection.create_channel().await?;
        topology::declare(&channel).await?;
        let _ = channel.close(200, "".into()).await;
        Ok(Arc::new(Session { number, connection }))
    };
    match timeout(ATTEMPT_DEADLINE, attempt).await {
        Ok(result) => result.map_err(|error| QueueError::of_connecting(&endpoint.name, error)),
        Err(_) => {
            Err(QueueError::Unavailable { broker: endpoint.name.clone(), waited: ATTEMPT_DEADLINE, source: None })
        }
    }
}

async fn first_session(
    endpoint: &Endpoint,
    within: Duration,
    cancel: &CancellationToken,
) -> Result<Arc<Session>, QueueError> {
    let started = Instant::now();
    let mut pauses = pauses();
    loop {
        let error = match connect_once(endpoint, 0).await {
            Ok(session) => return Ok(session),
            Err(error) => error,
        };
        let pause = pauses.next().unwrap_or_default();
        let over = started.elapsed() + pause >= within || cancel.is_cancelled();
        match error {
            QueueError::Unavailable { broker, source, .. } if over => {
                return Err(QueueError::Unavailable { broker, waited: started.elapsed(), source });
            }
            QueueError::Unavailable { .. } => {
                tracing::debug!(
                    broker = endpoint.name,
                    error = &error as &dyn std::error::Error,
                    "RabbitMQ is not there yet"
                );
            }
            fatal => return Err(fatal),
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = cancel.cancelled() => {}
        }
    }
}

async fn supervise(
    endpoint: Endpoint,
    first: Option<Arc<Session>>,
    state: watch::Sender<State>,
    cancel: CancellationToken,
    stop: CancellationToken,
) {
    let (mut next, mut number) = (first, 0);
    loop {
        if next.is_none() {
            next = next_session(&endpoint, number, &state, &cancel, &stop).await;
        }
        let Some(session) = next.take() else { break };
        tracing::info!(broker = endpoint.name, "connected to RabbitMQ");
        state.send_replace(State::Connected(session.clone()));
        let Some(broken_by) = watch_session(&session, &stop).await else {
            let goodbye = session.connection.close(200, "closed by the client".into());
            let _ = timeout(CLOSE_DEADLINE, goodbye).await;
            break;
        };
        number = session.number + 1;
        log_loss(&endpoint, broken_by.as_ref());
        state.send_replace(State::Connecting { last_error: broken_by });
    }
    state.send_replace(State::Closed);
}

/// Connects until it works; `None` when we are told to stop.
async fn next_session(
    endpoint: &Endpoint,
    number: u64,
    state: &watch::Sender<State>,
    cancel: &CancellationToken,
    stop: &CancellationToken,
) -> Option<Arc<Session>> {
    let mut pauses = pauses();
    loop {
        let attempt = tokio::select! {
            attempt = connect_once(endpoint, number) => attempt,
            () = cancel.cancelled() => return None,
            () = stop.cancelled() => return None,
        };
        let error = match attempt {
            Ok(session) => return Some(session),
            Err(error) => error,
        };
        // Even what a person must mend is tried again: they may be mending it.
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot connect to RabbitMQ yet; trying again");
        if let QueueError::Unavailable { source: Some(source), .. } = error {
            state.send_replace(State::Connecting { last_error: Some(source) });
        }
        tokio::select! {
            () = sleep(pauses.next().unwrap_or_default()) => {}
            () = cancel.cancelled() => return None,
            () = stop.cancelled() => return None,
        }
    }
}

/// Returns when the connection broke, with the reason where one is known; `None` when we are told to stop.
async fn watch_session(session: &Session, stop: &CancellationToken) -> Option<Option<lapin::Error>> {
    let mut events = Box::pin(session.connection.events_listener());
    loop {
        if !session.connection.status().connected() {
            return Some(None);
        }
        tokio::select! {
            event = events.next() => match event {
                Some(Event::Error(error)) => return Some(Some(error)),
                Some(Event::ConnectionBlocked(reason)) => {
                    tracing::warn!(reason, "RabbitMQ takes no messages at present; publishing waits");
                }
                Some(Event::ConnectionUnblocked) => tracing::info!("RabbitMQ takes messages again"),
                Some(_) => {}
                None => return Some(None),
            },
            () = sleep(STATUS_CHECK) => {}
            () = stop.cancelled() => return None,
        }
    }
}

fn log_loss(endpoint: &Endpoint, reason: Option<&lapin::Error>) {
    let error = reason.map(|error| error as &dyn std::error::Error);
    tracing::warn!(broker = endpoint.name, error, "the connection to RabbitMQ is lost; connecting again");
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .build()
}
