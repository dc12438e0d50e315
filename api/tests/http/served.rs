//! The same application over a real socket: it starts, knows its callers apart, and stops.

use std::net::SocketAddr;

use souk::server::Server;
use souk::{AppState, HttpSettings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::Ground;

async fn get(addr: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(addr).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn serves_until_it_is_stopped() {
    let ground = Ground::new().await;
    let state = AppState::new(
        ground.souk.clone(),
        HttpSettings { requests_per_second: 3, ..HttpSettings::default() },
    );
    let server = Server::serve(state, TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let addr = server.address().unwrap();
    assert_ne!(addr.port(), 0);
    assert!(get(addr, "/readyz").await.unwrap().starts_with("HTTP/1.1 200 OK"));
    for _ in 0..5 {
        get(addr, "/healthz").await.unwrap();
    }
    assert!(get(addr, "/healthz").await.unwrap().starts_with("HTTP/1.1 429"));
    server.stop().await;
    assert!(get(addr, "/healthz").await.is_err());
}

#[tokio::test]
async fn is_not_ready_without_its_migrations() {
    use souk_infra::db::Db;
    use souk_infra::{Settings, Souk};
    let dir = tempfile::tempdir().unwrap();
    let db = Db::connect(&format!("sqlite://{}", dir.path().join("empty.db").display())).await.unwrap();
    let souk = Souk::new(db, Settings { jwt_secret: "j".to_owned(), encryption_key: "e".to_owned() });
    let state = AppState::new(souk.clone(), HttpSettings::default());
    let server = Server::serve(state, TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap();
    let answer = get(server.address().unwrap(), "/readyz").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("not_ready"), "{answer}");
    assert!(get(server.address().unwrap(), "/healthz").await.unwrap().starts_with("HTTP/1.1 200"));
    souk.db.migrate().await.unwrap();
    assert!(get(server.address().unwrap(), "/readyz").await.unwrap().starts_with("HTTP/1.1 200"));
    server.stop().await;
}
