//! `souk serve` as a child process over a sandbox that outlives it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use stripe_sandbox::{Sandbox, SandboxConfig};
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{Api, database, eventually};

const SECRET_KEY: &str = "sk_test_killedandrestarted00000000";
const PASSWORD: &str = "a-password-for-admins";

/// A sandbox, a database and keys: what survives when the process is killed.
pub struct Installation {
    sandbox: Sandbox,
    folder: TempDir,
    database_url: String,
    port: u16,
    secrets: [String; 2],
}

impl Installation {
    pub async fn prepare() -> Self {
        let config =
            SandboxConfig { webhook_retry_base: Duration::from_millis(100), ..SandboxConfig::default() };
        let sandbox = Sandbox::start(config).await.unwrap();
        let folder = TempDir::new().unwrap();
        let database_url = database(&folder).await;
        // Taken and given back: the child takes it again, also after its restart, when webhooks must find it.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let stripe = Api::new(&sandbox.base_url()).with_token(SECRET_KEY);
        let mut secrets = Vec::new();
        for (path, connect) in [("/webhooks/stripe", "false"), ("/webhooks/stripe/connect", "true")] {
            let url = format!("http://127.0.0.1:{port}{path}");
            let form = [("url", url.as_str()), ("connect", connect), ("enabled_events[0]", "*")];
            let endpoint = stripe.post_form("/v1/webhook_endpoints", &form).await.expect(200);
            secrets.push(endpoint["secret"].as_str().unwrap().to_owned());
        }
        let secrets = secrets.try_into().unwrap();
        let this = Self { sandbox, folder, database_url, port, secrets };
        this.run(&["migrate"]).await;
        this
    }

    fn command(&self) -> Command {
        let mut command = Command::new(program());
        // souk refuses settings that it does not know, and the test's own environment has some.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SOUK_")) {
            command.env_remove(name);
        }
        command
            .env("DATABASE_URL", &self.database_url)
            .env("SOUK_BIND", format!("127.0.0.1:{}", self.port))
            .env("STRIPE_SECRET_KEY", SECRET_KEY)
            .env("STRIPE_WEBHOOK_SECRET", &self.secrets[0])
            .env("STRIPE_CONNECT_WEBHOOK_SECRET", &self.secrets[1])
            .env("STRIPE_API_BASE", self.sandbox.base_url())
            .current_dir(self.folder.path())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) {
        let output = self.command().args(arguments).output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn stripe(&self) -> Api {
        Api::new(&self.sandbox.base_url()).with_token(SECRET_KEY)
    }

    /// The marketplace's admin, made at the first call.
    pub async fn admin(&self, child: &Child) -> Api {
        let mut command = self.command();
        command.args(["admin", "create", "--email", "admin@example.com", "--password-stdin"]);
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = process.stdin.take().unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stdin, PASSWORD.as_bytes()).await.unwrap();
        drop(stdin);
        // The second time there is such an admin already, which is as good.
        process.wait().await.unwrap();
        child.api().log_in("admin@example.com", PASSWORD).await
    }

    /// A slot with one place of an onboarded seller with direct charges.
    pub async fn slot(&self, child: &Child, capture: &str) -> Value {
        let api = child.api();
        let person = json!({"email": "seller@example.com", "password": "a-password-for-sellers"});
        let tokens = api.post("/v1/auth/register", person).await.expect(201);
        let owner = api.with_token(tokens["access_token"].as_str().unwrap());
        let new = json!({"display_name": "Seller", "country": "US", "charge_model": "direct"});
        let seller = owner.post("/v1/sellers", new).await.expect(201)["id"].as_str().unwrap().to_owned();
        owner.post(&format!("/v1/sellers/{seller}/onboarding-link"), json!({})).await.expect(201);
        let path = format!("/v1/sellers/{seller}");
        let account =
            owner.get(&path).await.expect(200)["connected_account"]["id"].as_str().unwrap().to_owned();
        let complete = format!("/_sandbox/accounts/{account}/complete_onboarding");
        Api::new(&self.sandbox.base_url()).post(&complete, json!({})).await.expect(200);
        eventually("the seller becomes active", || async {
            let seller = owner.get(&path).await.expect(200);
            if seller["status"] == "active" { Ok(()) } else { Err(seller.to_string()) }
        })
        .await;
        let listing =
            json!({"title": "Test", "price": {"amount": 2_500, "currency": "usd"}, "capture": capture});
        let listing = owner.post(&format!("{path}/listings"), listing).await.expect(201);
        let starts_at = chrono::Utc::now() + chrono::Duration::days(3);
        let ends_at = starts_at + chrono::Duration::hours(1);
        let slot = json!({"starts_at": starts_at, "ends_at": ends_at, "capacity": 1});
        owner
            .post(&format!("{path}/listings/{}/slots", listing["id"].as_str().unwrap()), slot)
            .await
            .expect(201)
    }

    pub async fn pay(&self, started: &Value) {
        let session = started["checkout"]["session_id"].as_str().unwrap();
        let path = format!("/_sandbox/checkout/sessions/{session}/complete");
        Api::new(&self.sandbox.base_url()).post(&path, json!({})).await.expect(200);
    }

    pub async fn order_becomes(&self, child: &Child, started: &Value, status: &str) -> Value {
        let (id, token) =
            (started["order"]["id"].as_str().unwrap(), started["order_token"].as_str().unwrap());
        eventually(&format!("the order becomes {status}"), || async {
            let order = child.api().get(&format!("/v1/orders/{id}?token={token}")).await.expect(200);
            if order["status"] == status { Ok(order) } else { Err(order["status"].to_string()) }
        })
        .await
    }

    pub async fn verify_until(&self, child: &Child, started: &Value, status: &str) {
        let (id, token) =
            (started["order"]["id"].as_str().unwrap(), started["order_token"].as_str().unwrap());
        eventually(&format!("verify finds the order {status}"), || async {
            let order = child
                .api()
                .post(&format!("/v1/orders/{id}/verify?token={token}"), json!({}))
                .await
                .expect(200);
            if order["status"] == status { Ok(()) } else { Err(order["status"].to_string()) }
        })
        .await;
    }

    pub async fn public_slot(&self, child: &Child, slot: &Value) -> Value {
        let path = format!("/v1/listings/{}/slots", slot["listing_id"].as_str().unwrap());
        child.api().get(&path).await.expect(200)["data"][0].clone()
    }

    pub async fn assert_sold_once(&self, child: &Child, slot: &Value) {
        let slot = self.public_slot(child, slot).await;
        assert_eq!((&slot["sold"], &slot["available"]), (&json!(1), &json!(0)));
        assert_eq!(self.refunds().await, 0, "nothing was given back");
        assert_eq!(self.of_accounts("/v1/charges?limit=100", |charge| charge["paid"] == true).await, 1);
    }

    /// How many checkout sessions the provider has.
    pub async fn sessions(&self) -> usize {
        self.of_accounts("/v1/checkout/sessions?limit=100", |_| true).await
    }

    /// How many refunds the provider has.
    pub async fn refunds(&self) -> usize {
        self.of_accounts("/v1/refunds?limit=100", |_| true).await
    }

    /// Counts things on the connected accounts, where direct charges live.
    async fn of_accounts(&self, path: &str, counts: fn(&Value) -> bool) -> usize {
        let accounts = self.stripe().get("/v1/accounts?limit=100").await.expect(200);
        let mut count = 0;
        for account in accounts["data"].as_array().unwrap() {
            let api = self.stripe();
            let request = api
                .request(reqwest::Method::GET, path)
                .header("stripe-account", account["id"].as_str().unwrap());
            let list = api.send(request).await.expect(200);
            count += list["data"].as_array().unwrap().iter().filter(|row| counts(row)).count();
        }
        count
    }
}

/// The program under test, as it was built beside this one.
fn program() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let folder = this.parent().and_then(Path::parent).unwrap();
    let program = folder.join("souk");
    assert!(program.exists(), "{} is not built; cargo build -p souk builds it", program.display());
    program
}

/// A running `souk serve`.
pub struct Child {
    process: tokio::process::Child,
    port: u16,
    pause: Option<PathBuf>,
}

impl Child {
    pub async fn start(souk: &Installation) -> Self {
        Self::spawn(souk, None).await
    }

    /// A process that stops at `place` when it gets there.
    pub async fn start_paused(souk: &Installation, place: &str) -> Self {
        Self::spawn(souk, Some(place)).await
    }

    async fn spawn(souk: &Installation, place: Option<&str>) -> Self {
        let mut command = souk.command();
        command.arg("serve").stdout(Stdio::null());
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(souk.folder.path().join("souk.log"))
            .unwrap();
        command.stderr(log);
        let pause = place.map(|_| souk.folder.path().join("paused"));
        if let (Some(place), Some(file)) = (place, &pause) {
            command.env("TEST_PAUSE_AT", place).env("TEST_PAUSE_FILE", file);
        }
        let this = Self { process: command.spawn().unwrap(), port: souk.port, pause };
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://127.0.0.1:{}/readyz", souk.port);
        eventually("souk is ready", || async {
            match http.get(&url).send().await {
                Ok(answer) if answer.status() == 200 => Ok(()),
                Ok(answer) => Err(answer.status().to_string()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
        this
    }

    pub fn api(&self) -> Api {
        Api::new(&format!("http://127.0.0.1:{}", self.port))
    }

    /// Does something that makes the process pause, and kills it there.
    pub async fn paused_then_killed(self, action: impl Future<Output = ()>) {
        let file = self.pause.clone().expect("this child was started to pause");
        let paused = eventually("souk pauses", || async {
            if file.exists() { Ok(()) } else { Err("not yet".to_owned()) }
        });
        // The action may never be answered: the process that should answer it is about to die.
        tokio::select! {
            () = paused => {}
            () = async { action.await; std::future::pending().await } => {}
        }
        self.kill().await;
        std::fs::remove_file(file).unwrap();
    }

    /// `kill -9`.
    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }
}
