//! One browser of one person, with a profile of its own, ended with the test.

use std::process::Stdio;
use std::time::{Duration, Instant};

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long a page may take to say what it should.
const PATIENCE: Duration = Duration::from_secs(30);

/// A desk and a telephone, in CSS pixels.
pub(super) const WIDE: u32 = 1_280;
pub(super) const NARROW: u32 = 390;

pub(super) struct Browser {
    client: Client,
    width: u32,
    driver: Driver,
    _profile: TempDir,
}

/// chromedriver and the browsers that it started: one process group, so that none is left over.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(id) = self.0.id() {
            let group = format!("-{id}");
            let _ = std::process::Command::new("kill").args(["-KILL", "--", &group]).status();
        }
    }
}

impl Browser {
    /// A fresh browser; nothing where this machine was not told of one.
    pub(super) async fn start(width: u32) -> Option<Self> {
        let at = |name: &str| std::env::var(name).ok().filter(|path| !path.is_empty());
        let Some((chromium, chromedriver)) = at("SOUK_TEST_CHROMIUM").zip(at("SOUK_TEST_CHROMEDRIVER"))
        else {
            eprintln!("skipped: SOUK_TEST_CHROMIUM and SOUK_TEST_CHROMEDRIVER do not say where a browser is");
            return None;
        };
        let (driver, port) = drive(&chromedriver).await;
        let profile = TempDir::new().unwrap();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted(&chromium, profile.path().to_str().unwrap(), width))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromium starts");
        Some(Self { client, width, driver, _profile: profile })
    }

    pub(super) async fn open(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    pub(super) async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    pub(super) async fn back(&self) {
        self.client.back().await.unwrap();
    }

    pub(super) async fn address(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// Types into the field with this name in the page's main part, in place of what is there.
    pub(super) async fn fill(&self, name: &str, text: &str) {
        let field = self.client.find(Locator::Css(&format!("main [name={name}]"))).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Gives a date or time field its value; what is typed into one depends on the language.
    pub(super) async fn set(&self, name: &str, value: &str) {
        let script = "document.querySelector(`main [name=${arguments[0]}]`).value = arguments[1]";
        self.client.execute(script, vec![json!(name), json!(value)]).await.unwrap();
    }

    /// Clicks the button with this text.
    pub(super) async fn press(&self, label: &str) {
        self.click(&format!("//button[normalize-space()='{label}']")).await;
    }

    /// Clicks the link with this text.
    pub(super) async fn follow(&self, label: &str) {
        self.click(&format!("//a[normalize-space()='{label}']")).await;
    }

    /// Clicks the main button of the provider's page.
    pub(super) async fn click_pay(&self) {
        self.click("//button[@class='main']").await;
    }

    async fn click(&self, path: &str) {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(path)).await;
        let Ok(element) = found else {
            panic!("no {path} at {}:\n{}", self.address().await, self.text().await)
        };
        element.click().await.unwrap();
    }

    /// What can be read on the page.
    pub(super) async fn text(&self) -> String {
        let body = self.client.execute("return document.body ? document.body.innerText : ''", vec![]).await;
        body.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until the page says this.
    pub(super) async fn sees(&self, wanted: &str) {
        let begun = Instant::now();
        loop {
            let text = self.text().await;
            if text.contains(wanted) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{} never says {wanted:?}:\n{text}", self.address().await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Checks that nothing sticks out at the side.
    pub(super) async fn fits(&self) {
        let widths = "return [window.innerWidth, document.documentElement.scrollWidth]";
        let widths = self.client.execute(widths, vec![]).await.unwrap();
        assert_eq!(widths[0], json!(self.width));
        assert!(
            widths[1].as_u64() <= Some(u64::from(self.width)),
            "{} is {widths} wide",
            self.address().await
        );
    }

    pub(super) async fn close(self) {
        self.client.close().await.unwrap();
        drop(self.driver);
    }
}

/// chromedriver on a port that it chose.
async fn drive(program: &str) -> (Driver, u16) {
    let mut child = Command::new(program)
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .expect("chromedriver starts");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let driver = Driver(child);
    let started = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return port.trim_end_matches('.').parse().unwrap();
            }
        }
        panic!("chromedriver ended before it said its port");
    };
    let port = tokio::time::timeout(PATIENCE, started).await.expect("chromedriver says its port");
    // What it says from now on is read by nobody, but must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (driver, port)
}

/// A browser that calls nobody but the pages it is sent to.
fn wanted(chromium: &str, profile: &str, width: u32) -> Capabilities {
    let mut options = json!({
        "binary": chromium,
        "args": [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            format!("--window-size={},900", width.max(500)),
            format!("--user-data-dir={profile}"),
        ],
    });
    if width == NARROW {
        // No window is as narrow as a telephone.
        options["mobileEmulation"] =
            json!({"deviceMetrics": {"width": width, "height": 844, "pixelRatio": 1.0}});
    }
    let capabilities = json!({"browserName": "chrome", "goog:chromeOptions": options});
    match capabilities {
        Value::Object(map) => map,
        _ => unreachable!("it is an object"),
    }
}
