//! Settings: where they come from, and what is refused.

use super::*;

fn load(environment: &[(&str, &str)]) -> Result<Settings, Unusable> {
    let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::load(None, pairs)
}

const LONG: &str = "0123456789012345678901234567890123456789";
const PRODUCTION: [(&str, &str); 4] = [
    ("SOUK_ENV", "production"),
    ("SOUK_PUBLIC_URL", "https://market.example/"),
    ("SOUK_JWT_SECRET", LONG),
    ("SOUK_ENCRYPTION_KEY", LONG),
];

fn refusal(base: &[(&str, &str)], more: &[(&str, &str)]) -> String {
    load(&[base, more].concat()).unwrap_err().0
}

#[test]
fn the_default_file_is_enough_and_names_every_setting() {
    let settings = load(&[("PATH", "/bin"), ("STRIPE_API_KEY", "is of another program")]).unwrap();
    assert_eq!(settings.database_url, "sqlite://souk.db");
    assert_eq!((settings.env, settings.public_url.as_str()), (Env::Development, "http://127.0.0.1:8080"));
    assert_eq!((settings.http.requests_per_second, settings.http.https), (1_000, false));
    assert!(settings.stripe.is_none() && settings.redis_url.is_none());
    let documented = |name: &str| {
        DEFAULT_FILE.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{name} = ")))
    };
    let unknown = refusal(&[("SOUK_NONSENSE", "1")], &[]);
    assert_eq!(unknown, "SOUK_NONSENSE is not a setting of souk.");
    let error: figment::Error =
        Figment::from(Serialized::global("NO_SUCH", 1)).extract::<Written>().unwrap_err();
    let Kind::UnknownField(_, names) = error.kind else { panic!("{error}") };
    assert_eq!(names.len(), 18);
    for name in names {
        assert!(documented(name), "{name} is not in souk.default.toml");
    }
}

#[test]
fn the_file_wins_over_the_defaults_and_the_environment_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("souk.toml");
    std::fs::write(&path, "SOUK_BIND = \"0.0.0.0:1\"\nSOUK_RATE_LIMIT = 7\nSOUK_LOG = \"warn\"\n").unwrap();
    let environment =
        [("SOUK_RATE_LIMIT".to_owned(), "9".to_owned()), ("SOUK_LOG".to_owned(), String::new())];
    let settings = Settings::load(Some(&path), environment.into_iter()).unwrap();
    assert_eq!(settings.bind.to_string(), "0.0.0.0:1");
    assert_eq!((settings.http.requests_per_second, settings.log.as_str()), (9, "warn"));

    std::fs::write(&path, "SOUK_BINT = \"0.0.0.0:1\"\n").unwrap();
    let unknown = Settings::load(Some(&path), std::iter::empty()).unwrap_err();
    assert_eq!(unknown.0, "SOUK_BINT is not a setting of souk.");
    std::fs::write(&path, "SOUK_BIND = \n").unwrap();
    let broken = Settings::load(Some(&path), std::iter::empty()).unwrap_err();
    assert!(broken.0.starts_with("The settings file cannot be read"), "{broken}");
    let absent = Settings::load(Some(&dir.path().join("none.toml")), std::iter::empty()).unwrap_err();
    assert!(absent.0.contains("none.toml is not there"), "{absent}");
}

#[test]
fn a_value_that_cannot_be_used_is_named_and_secrets_are_not_repeated() {
    for (name, value) in [
        ("SOUK_ENV", "staging"),
        ("SOUK_BIND", "8080"),
        ("SOUK_SANDBOX_BIND", "localhost"),
        ("SOUK_PUBLIC_URL", "market.example"),
        ("SOUK_PUBLIC_URL", "https://market.example/path"),
        ("DATABASE_URL", "mysql://hunter2"),
        ("REDIS_URL", "http://hunter2"),
        ("SOUK_SMTP_URL", "hunter2"),
        ("STRIPE_API_BASE", "hunter2"),
        ("SOUK_RATE_LIMIT", "0"),
        ("SOUK_RATE_LIMIT", "many"),
        ("SOUK_LOGIN_RATE_LIMIT", "-1"),
        ("SOUK_TRUSTED_PROXIES", "300"),
        ("STRIPE_SECRET_KEY", "hunter2"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_without_secret_key"),
    ] {
        let sentence = refusal(&[(name, value)], &[]);
        assert!(sentence.starts_with(name) && sentence.ends_with('.'), "{name}={value}: {sentence}");
        assert!(!sentence.contains("hunter2"), "{sentence}");
    }
}

#[test]
fn secrets_of_digits_stay_text() {
    let digits = "12345678901234567890123456789012";
    let settings = load(&[("SOUK_JWT_SECRET", digits)]).unwrap();
    assert_eq!(settings.jwt_secret, digits);
}

#[test]
fn production_takes_nothing_by_default_that_everybody_knows() {
    let settings = load(&PRODUCTION).unwrap();
    assert_eq!((settings.public_url.as_str(), settings.http.https), ("https://market.example", true));
    assert_eq!((settings.http.requests_per_second, settings.http.logins_per_minute), (200, 20));
    assert_eq!(settings.public_host(), "market.example");
    for name in ["SOUK_JWT_SECRET", "SOUK_ENCRYPTION_KEY"] {
        let without: Vec<_> = PRODUCTION.into_iter().filter(|(n, _)| *n != name).collect();
        assert!(refusal(&without, &[]).starts_with(&format!("{name} is missing")));
        assert!(refusal(&without, &[(name, "short")]).contains("at least 32 characters"));
        assert!(refusal(&without, &[(name, DEVELOPMENT_SECRET)]).contains("everybody knows"));
    }
    assert!(refusal(&PRODUCTION, &[("SOUK_PUBLIC_URL", "http://market.example")]).contains("https"));
    assert!(refusal(&PRODUCTION, &[("STRIPE_API_BASE", "http://127.0.0.1:1")]).contains("https"));
}

#[test]
fn stripe_keys_must_be_complete_and_of_the_right_mode() {
    let test = [("STRIPE_SECRET_KEY", "sk_test_123"), ("STRIPE_CONNECT_WEBHOOK_SECRET", "whsec_1, whsec_2")];
    let keys = load(&test).unwrap().stripe.unwrap();
    assert_eq!(
        (keys.livemode, keys.connect_webhook_secrets),
        (false, vec!["whsec_1".into(), "whsec_2".into()])
    );
    assert!(!format!("{:?}", load(&test).unwrap()).contains("sk_test"));
    assert!(refusal(&PRODUCTION, &test).contains("is a test key"));
    let live = [("STRIPE_SECRET_KEY", "rk_live_123"), ("STRIPE_CONNECT_WEBHOOK_SECRET", "whsec_1")];
    assert!(load(&[&PRODUCTION[..], &live].concat()).unwrap().stripe.unwrap().livemode);
    assert!(refusal(&live, &[]).contains("is a live key"));
    assert!(refusal(&test, &[("STRIPE_PUBLISHABLE_KEY", "pk_live_1")]).contains("two modes"));
    assert!(refusal(&test[..1], &[]).starts_with("STRIPE_CONNECT_WEBHOOK_SECRET is missing"));
    assert!(refusal(&test, &[("STRIPE_WEBHOOK_SECRET", "secret")]).contains("whsec_"));
}
