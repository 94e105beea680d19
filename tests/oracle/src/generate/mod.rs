//! Random histories: one step after the other, each of them depending on the seed and on what the server accepted.

mod alter;
mod around;
mod ddl;
mod dml;
mod kinds;
mod model;
mod online;
mod sessions;
mod tables;
mod values;

use std::collections::VecDeque;

use backtrail_devstack::Family;

use crate::kind::ServerKind;
use crate::random::Random;
use crate::record::Steps;
use crate::script::{By, Step};
use kinds::Dialect;
use model::Model;
use sessions::Session;

/// What histories are made of.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Whether definitions change.
    pub ddl: bool,
    /// Steps after the first tables have been made, about.
    pub steps: usize,
    /// Points at which the truth is recorded, at most.
    pub points: usize,
    /// Whether some points are asked for by time, which takes some seconds each.
    pub times: bool,
    /// What histories are not to have, so that others are found beside what is known: `addresses` (UUID and INET
    /// columns), `invisible`, `wide-members` (ENUM and SET in utf16 and ucs2), `binary-defaults`, `xa`,
    /// `sequence-types`.
    pub avoid: Vec<String>,
}

impl Default for Profile {
    fn default() -> Self {
        Self { ddl: true, steps: 220, points: 6, times: true, avoid: Vec::new() }
    }
}

/// What the model becomes once the server has accepted a statement.
type Effect = Box<dyn FnOnce(&mut Model) + Send>;

/// The steps of a random history.
pub struct Generator {
    profile: Profile,
    dialect: Dialect,
    /// Some points are asked for by time.
    times: bool,
    random: Random,
    model: Model,
    sessions: Vec<Session>,
    queue: VecDeque<(Step, Option<Effect>)>,
    effect: Option<Effect>,
    /// Of how many tables the history begins, how many steps it has still and how many points.
    tables: usize,
    steps: usize,
    baseline_at: usize,
    points: usize,
    /// This history changes definitions: some do not, so that DML is seen alone.
    ddl: bool,
}

impl Generator {
    /// A history of a seed.
    pub fn new(server: ServerKind, profile: Profile, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let steps = random.between(profile.steps / 2, profile.steps);
        let avoided = |what: &str| profile.avoid.iter().any(|avoided| avoided == what);
        let dialect = Dialect {
            mysql: server.family() == Family::Mysql,
            newer: server == ServerKind::Mariadb118,
            older: server == ServerKind::Mariadb105,
            addresses: !avoided("addresses"),
            invisible: !avoided("invisible"),
            wide_members: !avoided("wide-members"),
            binary_defaults: !avoided("binary-defaults"),
            sequence_types: server == ServerKind::Mariadb118 && !avoided("sequence-types"),
            beyond_dumps: false,
        };
        let mut generator = Self {
            dialect,
            times: profile.times && random.percent(50),
            baseline_at: steps * random.between(55, 85) / 100,
            tables: random.between(3, 8),
            points: profile.points,
            ddl: profile.ddl && random.percent(65),
            steps,
            profile,
            sessions: (0..4).map(|_| Session::default()).collect(),
            model: Model::default(),
            queue: VecDeque::new(),
            effect: None,
            random,
        };
        generator.begin();
        generator
    }

    fn begin(&mut self) {
        let mut schemas = vec!["shop".to_owned()];
        if self.random.percent(40) {
            let other = *self.random.pick(&tables::SCHEMAS[1..]);
            schemas.push(other.to_owned());
        }
        for statement in sessions::server_settings(self.dialect, &mut self.random) {
            self.push(1, statement);
        }
        for schema in &schemas {
            let charset = *self.random.pick(&["", "", " CHARACTER SET latin1", " CHARACTER SET utf8mb4"]);
            self.push(1, format!("CREATE DATABASE {}{charset}", crate::server::quoted(schema)));
        }
        self.model.schemas = schemas;
        if !self.dialect.mysql && self.random.percent(30) {
            self.sequence();
            self.sequence();
        }
    }

    fn push(&mut self, session: usize, text: impl Into<String>) {
        self.queue.push_back((Step::sql(session, text), None));
    }

    fn push_with(&mut self, session: usize, text: impl Into<String>, effect: impl FnOnce(&mut Model) + Send + 'static) {
        self.queue.push_back((Step::sql(session, text), Some(Box::new(effect))));
    }

    /// Puts at least one step into the queue.
    fn more(&mut self) {
        if self.tables > 0 {
            self.tables -= 1;
            self.new_table(1);
            if self.tables == 1 {
                self.log_changes();
            }
            return;
        }
        self.steps -= 1;
        if self.steps == self.baseline_at {
            self.queue.push_back((Step::Baseline(String::new()), None));
            self.dialect.beyond_dumps = true;
        }
        let behind = self.steps < self.baseline_at;
        let due = behind && self.points > 0 && self.random.below(self.steps + 1) < self.points;
        if due || (behind && self.steps == 0 && self.points > 0) {
            self.points -= 1;
            let by = if self.times && self.random.percent(15) {
                By::Time
            } else if self.random.percent(25) {
                By::Gtid
            } else {
                By::Position
            };
            self.queue.push_back((Step::Point(by), None));
            return;
        }
        if !self.dialect.mysql && self.random.percent(2) {
            self.sequence();
        } else if self.ddl && self.random.percent(10) {
            self.end_transactions();
            self.definition();
        } else if self.random.percent(3) {
            self.push(1, "FLUSH BINARY LOGS");
        } else {
            self.work();
        }
    }

    /// Makes a table.
    fn new_table(&mut self, session: usize) {
        let schema = self.random.pick(&self.model.schemas).clone();
        let (sql, table) = tables::create(self.dialect, &mut self.model, &schema, &mut self.random);
        self.push_with(session, sql, move |model| model.tables.push(table));
    }
}

impl Steps for Generator {
    fn next(&mut self) -> Option<Step> {
        while self.queue.is_empty() {
            if self.steps == 0 && self.tables == 0 {
                return None;
            }
            self.more();
        }
        let (step, effect) = self.queue.pop_front()?;
        self.effect = effect;
        Some(step)
    }

    fn outcome(&mut self, accepted: bool) {
        if let Some(effect) = self.effect.take()
            && accepted
        {
            effect(&mut self.model);
        }
    }
}
