//! `souk demo`: the whole product in one process, with the sandbox as Stripe over loopback HTTP.
//!
//! It seeds through the same functions that the API uses, so that nothing exists in the demo alone. The sandbox
//! keeps nothing when it stops: a demo that finds an earlier file opens new connected accounts for its sellers.

mod info;
mod provider;
mod seed;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use souk_infra::db::Db;
use souk_infra::entity::tenants as tenants_table;
use souk_infra::{Souk, tenants};
use stripe_sandbox::{Sandbox, SandboxConfig};
use tokio::net::TcpListener;

pub use self::info::{Info, Login, SellerLogin, TenantInfo};
use crate::server::Server;
use crate::state::{AppState, HttpSettings};

/// How to start the demo.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where souk listens; port 0 takes a free one.
    pub bind: SocketAddr,
    /// How the sandbox behaves, and where it listens.
    pub sandbox: SandboxConfig,
    /// Where the data is.
    pub database_url: String,
    /// Whether to begin with nothing.
    pub fresh: bool,
    /// Secrets of this installation.
    pub settings: souk_infra::Settings,
    /// Where to write what is printed, as JSON.
    pub info_file: Option<PathBuf>,
}

impl Options {
    /// The demo as a newcomer starts it, on these addresses and this database.
    pub fn new(bind: SocketAddr, sandbox_bind: SocketAddr, database_url: &str) -> Self {
        Self {
            bind,
            sandbox: SandboxConfig { bind: sandbox_bind, ..SandboxConfig::default() },
            database_url: database_url.to_owned(),
            fresh: false,
            // Nothing here guards anything real: the demo holds test keys of a simulator.
            settings: souk_infra::Settings {
                jwt_secret: "souk demo: signs tokens of nobody real".to_owned(),
                encryption_key: "souk demo: seals keys of a simulator".to_owned(),
            },
            info_file: None,
        }
    }
}

/// A running demo.
pub struct Demo {
    /// Its addresses and logins.
    pub info: Info,
    /// souk itself, for tests that look into the database or move the clock.
    pub souk: Souk,
    sandbox: Sandbox,
    server: Server,
}

impl Demo {
    /// Starts the sandbox, brings the data up to date, and serves. Everything is ready when this returns.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(options.bind).await.with_context(|| {
            format!("souk can't listen on {} (set SOUK_BIND to another address)", options.bind)
        })?;
        let sandbox_bind = options.sandbox.bind;
        let sandbox = Sandbox::start(options.sandbox.clone()).await.with_context(|| {
            format!("the sandbox can't listen on {sandbox_bind} (set SOUK_SANDBOX_BIND to another address)")
        })?;
        let db = open(&options).await?;
        let souk = Souk::new(db, options.settings.clone());
        let provider = provider::Provider::new(sandbox.base_url())?;
        let port = listener.local_addr()?.port();
        let info = seed::bring_up(&souk, &provider, port).await.context("the demo's data")?;
        let state = AppState::new(souk.clone(), HttpSettings::default()).with_demo(&info);
        let server = Server::start(state, listener)?;
        if let Some(path) = &options.info_file {
            info.write(path)?;
        }
        Ok(Self { info, souk, sandbox, server })
    }

    /// Ends it.
    pub async fn stop(self) {
        self.server.stop().await;
        self.sandbox.stop().await;
    }
}

/// Opens the database, emptied where that is asked for.
async fn open(options: &Options) -> anyhow::Result<Db> {
    let url = &options.database_url;
    if options.fresh
        && let Some(path) = url.strip_prefix("sqlite://")
    {
        let path = path.split('?').next().unwrap_or(path);
        for suffix in ["", "-wal", "-shm"] {
            let file = format!("{path}{suffix}");
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("removing {file}"));
                }
                _ => {}
            }
        }
    }
    let db =
        Db::connect(url).await.with_context(|| format!("opening the database {}", without_password(url)))?;
    if options.fresh && !db.is_sqlite() {
        empty_schema(&db).await?;
    }
    db.migrate().await.context("bringing the schema up to date")?;
    Ok(db)
}

/// Only a database that the demo itself has filled is emptied: anything else may be somebody's real one.
async fn empty_schema(db: &Db) -> anyhow::Result<()> {
    if let Ok(rows) = tenants_table::Entity::find().all(db.unscoped()).await
        && rows.iter().any(|row| row.slug != seed::FIRST && row.slug != seed::SECOND)
    {
        bail!(
            "--fresh would delete marketplaces that are not the demo's; give the demo a database of its own"
        );
    }
    db.unscoped().execute_unprepared("DROP SCHEMA public CASCADE").await?;
    db.unscoped().execute_unprepared("CREATE SCHEMA public").await?;
    Ok(())
}

fn without_password(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| "given".to_owned(),
        |mut url| {
            let _ = url.set_password(None);
            url.to_string()
        },
    )
}

/// Whether this installation is a demo's: its first marketplace is there.
pub(crate) async fn is_seeded(souk: &Souk) -> anyhow::Result<bool> {
    Ok(tenants::by_slug(souk, seed::FIRST).await?.is_some())
}
