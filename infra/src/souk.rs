//! The handle that everything hangs on: database, clock, keys, gateways.

use std::sync::Arc;

use crate::clock::Clock;
use crate::db::Db;
use crate::gateway::Gateways;
use crate::live::Live;
use crate::seal::Sealer;

/// What the program is told at its start, as far as this crate needs it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Signs access tokens.
    pub jwt_secret: String,
    /// Seals provider keys; any text of enough entropy.
    pub encryption_key: String,
}

/// souk, ready to work. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Souk {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Wake-ups.
    pub live: Live,
    /// Encryption at rest.
    pub sealer: Sealer,
    /// Payment gateways made so far.
    pub gateways: Gateways,
    /// What the program was told.
    pub settings: Arc<Settings>,
}

impl Souk {
    /// Puts the parts together; opens nothing.
    pub fn new(db: Db, settings: Settings) -> Self {
        let sealer = Sealer::new(&settings.encryption_key);
        Self {
            db,
            clock: Clock::default(),
            live: Live::default(),
            sealer,
            gateways: Gateways::default(),
            settings: Arc::new(settings),
        }
    }
}

tokio::task_local! {
    /// The request that the current task answers; set by the HTTP layer, read by the audit log.
    pub static REQUEST_ID: String;
}

/// The id of the request that is being answered, if one is.
pub fn current_request_id() -> Option<String> {
    REQUEST_ID.try_with(Clone::clone).ok()
}
