//! The queue against a real broker that is stopped, killed and misconfigured.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's helpers fail as its tests do")]

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backtrail_contracts::jobs::{Job, RunBackup, RunPitr, job};
use backtrail_devstack::{RabbitMq, StackDirectory};
use backtrail_queue::{DEAD_LETTER_QUEUE, DecodeError, Delivery, JobKind, Queue, QueueError, QueueSettings};
use prost::Message;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);

struct Bench {
    broker: RabbitMq,
    _directory: StackDirectory,
}

impl Bench {
    async fn start() -> Self {
        let directory = StackDirectory::create("queue").unwrap();
        let broker = RabbitMq::start(directory.path()).await.unwrap();
        Self { broker, _directory: directory }
    }

    async fn settings(&self) -> QueueSettings {
        let url = self.broker.create_test_vhost().await.unwrap();
        QueueSettings { amqp_retry_delay: Duration::from_millis(20), ..QueueSettings::new(&url) }
    }
}

async fn connect(settings: &QueueSettings) -> Queue {
    Queue::connect(settings, CancellationToken::new()).await.unwrap()
}

/// Waits for a condition, with a deadline and a word about what it is.
async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn next(deliveries: &mut backtrail_queue::Deliveries) -> Delivery {
    timeout(PATIENCE, deliveries.recv()).await.expect("no message came").expect("the consumer ended")
}

fn backup(run: Uuid) -> Vec<u8> {
    let spec = RunBackup { backup_id: run.to_string(), ..RunBackup::default() };
    Job { job: Some(job::Job::Backup(spec)), ..Job::default() }.encode_to_vec()
}

async fn publish(queue: &Queue, run: Uuid) {
    queue.publish(JobKind::Backup, &backup(run), Uuid::now_v7(), run, None).await.unwrap();
}

#[tokio::test]
async fn broker_restarts_lose_nothing() {
    let mut bench = Bench::start().await;
    let settings = QueueSettings { amqp_publish_deadline: PATIENCE, ..bench.settings().await };
    let (publishing, consuming) = (connect(&settings).await, connect(&settings).await);
    let stop = CancellationToken::new();

    let taken: Arc<std::sync::Mutex<HashMap<Uuid, u32>>> = Arc::default();
    let consumer = tokio::spawn({
        let (taken, mut deliveries) = (taken.clone(), consuming.consume(JobKind::Backup, 8, stop.clone()));
        async move {
            while let Some(delivery) = deliveries.recv().await {
                let run = delivery.run_id.unwrap();
                // What is not acknowledged comes again, and is not counted before.
                if delivery.ack().await.is_ok() {
                    *taken.lock().unwrap().entry(run).or_default() += 1;
                }
            }
        }
    });
    let published: Arc<std::sync::Mutex<Vec<Uuid>>> = Arc::default();
    let no_more = CancellationToken::new();
    let publisher = tokio::spawn({
        let (published, no_more, queue) = (published.clone(), no_more.clone(), publishing.clone());
        async move {
            while !no_more.is_cancelled() {
                let run = Uuid::now_v7();
                publish(&queue, run).await;
                published.lock().unwrap().push(run);
            }
        }
    });
    let count = || published.lock().unwrap().len();

    until("messages flow", || async { count() > 50 && !taken.lock().unwrap().is_empty() }).await;
    bench.broker.kill();
    until("the loss is noticed", || async { !publishing.is_connected() && !consuming.is_connected() }).await;
    bench.broker.start_again().await.unwrap();
    let before = count();
    until("messages flow after a crash", || async { count() > before + 50 }).await;
    bench.broker.restart().await.unwrap();
    let before = count();
    until("messages flow after a restart", || async { count() > before + 50 }).await;
    assert!(bench.broker.close_connections().await.unwrap() > 0);
    let before = count();
    until("messages flow after their connections were closed", || async { count() > before + 50 }).await;

    no_more.cancel();
    publisher.await.unwrap();
    let published = published.lock().unwrap().clone();
    until("every message was taken", || async {
        let taken = taken.lock().unwrap();
        published.iter().all(|run| taken.contains_key(run))
    })
    .await;
    until("the queue is empty", || async { publishing.depth(JobKind::Backup).await.is_ok_and(|depth| depth == 0) })
        .await;
    stop.cancel();
    consumer.await.unwrap();
    let twice = taken.lock().unwrap().values().filter(|times| **times > 1).count();
    println!("{} messages, {twice} of them more than once", published.len());
    assert_eq!(publishing.dead_depth().await.unwrap(), 0);
    publishing.close().await;
    consuming.close().await;
    assert!(!publishing.is_connected());
    let error = publishing.publish(JobKind::Backup, b"", Uuid::nil(), Uuid::nil(), None).await.unwrap_err();
    assert!(matches!(error, QueueError::Closed { .. }), "{error}");
}

#[tokio::test]
async fn a_broker_that_comes_late_is_waited_for() {
    let mut bench = Bench::start().await;
    let settings = QueueSettings { amqp_publish_deadline: PATIENCE, ..bench.settings().await };
    bench.broker.kill();
    let queue = Queue::open(&settings, CancellationToken::new()).unwrap();
    assert!(!queue.is_connected());
    let (run, stop) = (Uuid::now_v7(), CancellationToken::new());
    let mut deliveries = queue.consume(JobKind::Backup, 1, stop.clone());
    let (publishing, message) = (queue.clone(), backup(run));
    let published =
        tokio::spawn(async move { publishing.publish(JobKind::Backup, &message, run, run, None).await.unwrap() });
    bench.broker.start_again().await.unwrap();
    let delivery = next(&mut deliveries).await;
    assert_eq!(delivery.run_id, Some(run));
    delivery.ack().await.unwrap();
    published.await.unwrap();
    assert!(queue.is_connected());

    // Only settings that nothing can come of are refused at once.
    let Err(error) = Queue::open(&QueueSettings::new("http://nowhere"), CancellationToken::new()) else {
        panic!("opened")
    };
    assert!(matches!(error, QueueError::Url { .. }), "{error}");
}

#[tokio::test]
async fn a_publish_gives_up_at_its_deadline_and_says_so() {
    let mut bench = Bench::start().await;
    let settings = QueueSettings { amqp_publish_deadline: Duration::from_millis(500), ..bench.settings().await };
    let cancel = CancellationToken::new();
    let queue = Queue::connect(&settings, cancel.clone()).await.unwrap();
    publish(&queue, Uuid::now_v7()).await;
    bench.broker.kill();
    until("the loss is noticed", || async { !queue.is_connected() }).await;
    let error = queue.publish(JobKind::Backup, &backup(Uuid::nil()), Uuid::nil(), Uuid::nil(), None).await.unwrap_err();
    assert!(matches!(error, QueueError::Unavailable { .. }) && error.retryable(), "{error}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");

    // Nobody waits for a connection once the service is told to stop.
    cancel.cancel();
    until("the queue is closed", || async {
        let error = queue.depth(JobKind::Backup).await.unwrap_err();
        matches!(error, QueueError::Closed { .. })
    })
    .await;

    let absent = QueueSettings { amqp_connect_deadline: Duration::from_millis(300), ..settings };
    let Err(error) = Queue::connect(&absent, CancellationToken::new()).await else { panic!("connected to nothing") };
    assert!(error.retryable(), "{error}");
}

/// One broker, one virtual host a scene.
#[tokio::test]
async fn what_cannot_be_delivered() {
    let bench = Bench::start().await;
    dead_letters(&bench).await;
    poison(&bench).await;
    nothing_is_fetched_ahead(&bench).await;
    unroutable(&bench).await;
    refused(&bench).await;
    other_arguments(&bench).await;
}

async fn dead_letters(bench: &Bench) {
    let queue = connect(&bench.settings().await).await;
    let stop = CancellationToken::new();
    let mut deliveries = queue.consume(JobKind::Backup, 1, stop.clone());
    let mut dead = queue.consume_dead(1, stop.clone());

    let run = Uuid::now_v7();
    let message = Uuid::now_v7();
    queue.publish(JobKind::Backup, &backup(run), message, run, Some("00-trace-span-01")).await.unwrap();
    let delivery = next(&mut deliveries).await;
    assert_eq!((delivery.run_id, delivery.message_id), (Some(run), Some(message)));
    assert_eq!(delivery.traceparent.as_deref(), Some("00-trace-span-01"));
    assert!(!delivery.redelivered && delivery.job.is_ok());
    delivery.reject_dead().await.unwrap();
    let letter = next(&mut dead).await;
    assert_eq!((letter.run_id, letter.message_id), (Some(run), Some(message)));
    letter.ack().await.unwrap();

    // One that is given back for ever: put aside after the first delivery and five more.
    let run = Uuid::now_v7();
    publish(&queue, run).await;
    for count in 0..=5 {
        let delivery = next(&mut deliveries).await;
        assert_eq!((delivery.run_id, delivery.delivery_count), (Some(run), count));
        assert_eq!(delivery.redelivered, count > 0);
        if count % 2 == 0 { delivery.retry_later() } else { drop(delivery) }
    }
    let letter = next(&mut dead).await;
    assert_eq!(letter.run_id, Some(run));
    letter.ack().await.unwrap();
    until("nothing is left", || async {
        queue.depth(JobKind::Backup).await.unwrap() == 0 && queue.dead_depth().await.unwrap() == 0
    })
    .await;
    stop.cancel();
    assert!(deliveries.recv().await.is_none());
    queue.close().await;
}

async fn poison(bench: &Bench) {
    let queue = connect(&bench.settings().await).await;
    let mut deliveries = queue.consume(JobKind::Backup, 1, CancellationToken::new());
    let run = Uuid::now_v7();
    let pitr = Job { job: Some(job::Job::Pitr(RunPitr::default())), ..Job::default() }.encode_to_vec();
    for (body, expect) in [
        (
            b"\xff\xff\xff not a job".to_vec(),
            (|error| matches!(error, DecodeError::NotAJob(_))) as fn(&DecodeError) -> bool,
        ),
        (Vec::new(), |error| matches!(error, DecodeError::UnknownKind)),
        (pitr, |error| matches!(error, DecodeError::OtherKind { .. })),
    ] {
        queue.publish(JobKind::Backup, &body, Uuid::now_v7(), run, None).await.unwrap();
        let delivery = next(&mut deliveries).await;
        assert_eq!(delivery.run_id, Some(run), "the run is known, so that it can be failed");
        assert!(expect(delivery.job.as_ref().unwrap_err()));
        delivery.reject_dead().await.unwrap();
    }
    until("all are put aside", || async { queue.dead_depth().await.unwrap() == 3 }).await;
    let too_large = queue.publish(JobKind::Backup, &vec![0; 1 << 20], Uuid::nil(), run, None).await.unwrap_err();
    assert!(matches!(too_large, QueueError::TooLarge { .. }));
}

/// A message stays in the queue, for everybody, until somebody waits for it.
async fn nothing_is_fetched_ahead(bench: &Bench) {
    let queue = connect(&bench.settings().await).await;
    let runs: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
    for run in &runs {
        publish(&queue, *run).await;
    }
    let depth = async || queue.depth(JobKind::Backup).await.unwrap();
    let stop = CancellationToken::new();
    let mut first = queue.consume(JobKind::Backup, 2, stop.clone());
    let (busy, done) = (next(&mut first).await, next(&mut first).await);
    done.ack().await.unwrap();
    until("the rest is in the queue", async || depth().await == 3).await;
    let third = next(&mut first).await;
    // As many are unanswered as may be: the next call waits for an answer.
    let mut waiting = Box::pin(first.recv());
    assert!(futures::poll!(&mut waiting).is_pending());
    until("two are in the queue", async || depth().await == 2).await;
    third.ack().await.unwrap();
    let fourth = timeout(PATIENCE, waiting).await.unwrap().unwrap();

    // One that waits takes what comes, and gives it back when it stops waiting for good.
    let mut second = queue.consume(JobKind::Backup, 5, CancellationToken::new());
    let mut taken = vec![done.run_id.unwrap(), third.run_id.unwrap(), next(&mut second).await.run_id.unwrap()];
    drop(fourth);
    stop.cancel();
    assert!(first.recv().await.is_none());
    for _ in 0..2 {
        let delivery = next(&mut second).await;
        delivery.ack().await.unwrap();
        taken.push(delivery.run_id.unwrap());
    }
    // A delivery outlives its consumer.
    drop(first);
    busy.ack().await.unwrap();
    taken.push(busy.run_id.unwrap());
    taken.sort();
    taken.dedup();
    assert_eq!(taken, runs);
}

async fn unroutable(bench: &Bench) {
    let settings = bench.settings().await;
    let queue = connect(&settings).await;
    let vhost = vhost_of(&settings);
    let path = format!("queues/{vhost}/{}", JobKind::Pitr.queue_name());
    bench.broker.management(reqwest::Method::DELETE, &path).await.unwrap();
    let run = Uuid::now_v7();
    let error = queue.publish(JobKind::Pitr, b"", Uuid::nil(), run, None).await.unwrap_err();
    assert!(matches!(error, QueueError::Unroutable { .. }) && !error.retryable(), "{error}");
    // The one beside it works on.
    publish(&queue, run).await;
}

async fn refused(bench: &Bench) {
    let settings = bench.settings().await;
    let address = bench.broker.address();
    for url in [
        format!("amqp://backtrail:hunter2@127.0.0.1:{}/{}", address.port, vhost_of(&settings)),
        format!("amqp://hunter3:hunter2@127.0.0.1:{}/", address.port),
        address.url("no-such-vhost"),
    ] {
        let Err(error) = Queue::connect(&QueueSettings::new(&url), CancellationToken::new()).await else {
            panic!("connected")
        };
        let text = format!("{error} {error:?}");
        assert!(matches!(error, QueueError::Refused { .. }) && !error.retryable(), "{text}");
        for secret in ["hunter2", address.password.as_str()] {
            assert!(!text.contains(secret), "{text}");
        }
        println!("{error}");
    }
}

async fn other_arguments(bench: &Bench) {
    let settings = bench.settings().await;
    let path = format!("queues/{}/{DEAD_LETTER_QUEUE}", vhost_of(&settings));
    let body = serde_json::json!({"durable": true, "arguments": {"x-queue-type": "classic"}});
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let address = bench.broker.address();
    client
        .put(format!("http://127.0.0.1:{}/api/{path}", address.management_port))
        .basic_auth(&address.user, Some(&address.password))
        .json(&body)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    let Err(error) = Queue::connect(&settings, CancellationToken::new()).await else { panic!("connected") };
    assert!(matches!(error, QueueError::Topology { .. }) && !error.retryable(), "{error}");
    let text = error.to_string();
    assert!(text.contains("x-queue-type") && text.contains(DEAD_LETTER_QUEUE), "{text}");
}

fn vhost_of(settings: &QueueSettings) -> String {
    use secrecy::ExposeSecret;
    let url = settings.amqp_url.required().unwrap();
    url.expose_secret().rsplit('/').next().unwrap().to_owned()
}
