//! The database: PostgreSQL or SQLite behind one set of queries.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};
use souk_domain::people::Scope;
use souk_migration::{Migrator, MigratorTrait};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::{Error, Result};

/// A pool of connections.
#[derive(Debug, Clone)]
pub struct Db {
    pool: DatabaseConnection,
    /// SQLite has one writer at a time. Queueing for it here is fair; SQLite's own waiting is not.
    writer: Option<Arc<Mutex<()>>>,
}

/// A transaction that writes. Dropped without [`Tx::commit`], it is rolled back.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
    _writer: Option<OwnedMutexGuard<()>>,
}

impl Tx {
    /// Makes everything durable.
    pub async fn commit(self) -> Result<()> {
        Ok(self.inner.commit().await?)
    }

    /// The transaction as a connection, for functions that take either.
    pub fn connection(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Undoes everything now rather than when the connection is next used.
    pub async fn rollback(self) -> Result<()> {
        Ok(self.inner.rollback().await?)
    }
}

impl Deref for Tx {
    type Target = DatabaseTransaction;
    fn deref(&self) -> &DatabaseTransaction {
        &self.inner
    }
}

impl Db {
    /// Opens the pool. `sqlite://path` creates the file; `postgres://…` must exist.
    pub async fn connect(url: &str) -> Result<Self> {
        let sqlite = url.starts_with("sqlite:");
        let mut options = ConnectOptions::new(if sqlite && !url.contains('?') {
            format!("{url}?mode=rwc")
        } else {
            url.to_owned()
        });
        options
            .sqlx_logging(false)
            .max_connections(if sqlite { 6 } else { 24 })
            .acquire_timeout(Duration::from_secs(15))
            .test_before_acquire_if_idle_for(Duration::from_secs(5))
            .map_sqlx_sqlite_opts(|sqlite| {
                sqlite
                    .foreign_keys(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // Money that was confirmed must survive a power cut, so every commit reaches the disk.
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(Duration::from_secs(15))
            });
        let pool = Database::connect(options).await?;
        Ok(Self { pool, writer: sqlite.then(|| Arc::new(Mutex::new(()))) })
    }

    /// Has `observer` told of every statement as it is run, for tests that ask the database how it would run them. Only
    /// for a pool that nobody else holds yet.
    #[doc(hidden)]
    pub fn observe(&mut self, observer: impl Fn(&Statement) + Send + Sync + 'static) {
        self.pool.set_metric_callback(move |info| observer(info.statement));
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) -> Result<()> {
        Ok(Migrator::up(&self.pool, None).await?)
    }

    /// How many migrations have not run yet; an error where the database does not answer.
    pub async fn pending_migrations(&self) -> Result<usize> {
        Ok(Migrator::get_pending_migrations(&self.pool).await?.len())
    }

    /// Whether this is SQLite, for what only differs in operation (never in queries).
    pub fn is_sqlite(&self) -> bool {
        self.pool.get_database_backend() == DbBackend::Sqlite
    }

    /// Begins a transaction within one tenant.
    pub async fn begin(&self, _scope: &Scope) -> Result<Tx> {
        self.begin_unscoped().await
    }

    /// Begins a transaction of the installation itself: leases that span tenants, tenants being made.
    pub async fn begin_unscoped(&self) -> Result<Tx> {
        let writer = match &self.writer {
            Some(gate) => Some(gate.clone().lock_owned().await),
            None => None,
        };
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = self.pool.begin_with_options(options).await?;
        Ok(Tx { inner, _writer: writer })
    }

    /// For reads within one tenant, and for single statements that are atomic by themselves.
    pub fn read(&self, _scope: &Scope) -> &DatabaseConnection {
        &self.pool
    }

    /// For reads of the installation itself.
    pub fn unscoped(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.pool.ping().await.map_err(Error::from)
    }
}
