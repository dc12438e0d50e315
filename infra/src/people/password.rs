//! Passwords: argon2id, computed off the async threads and only a few at a time.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Fewest characters of a password.
pub const MIN: usize = 10;
/// Most characters of a password.
pub const MAX: usize = 200;

/// Each hash takes 19 MiB and a core for some tens of milliseconds: a crowd at the login must not take the machine.
static AT_ONCE: Semaphore = Semaphore::const_new(3);

/// A hash of no password, with the parameters of the real ones, so that an unknown address costs as much time as a
/// wrong password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(19_456, 2, 1, None).map_err(|e| Error::Internal(format!("argon2: {e}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Checks the length; says which field is wrong.
pub fn check(password: &str) -> Result<()> {
    if (MIN..=MAX).contains(&password.chars().count()) {
        Ok(())
    } else {
        Err(Error::invalid("/password", format!("must have {MIN} to {MAX} characters")))
    }
}

/// Hashes a password into the text that is stored.
pub async fn hash(password: &str) -> Result<String> {
    let password = password.to_owned();
    off_thread(move || {
        let hash: PasswordHash = argon2()?
            .hash_password(password.as_bytes())
            .map_err(|e| Error::Internal(format!("argon2: {e}")))?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether the password is the one that was hashed. Without a hash (nobody has that address) the answer is no, after
/// the same time.
pub async fn verify(password: &str, hash: Option<&str>) -> Result<bool> {
    let password = password.to_owned();
    let known = hash.is_some();
    let hash = hash.unwrap_or(NOBODY).to_owned();
    off_thread(move || {
        let hash = PasswordHash::new(&hash)
            .map_err(|e| Error::Corrupt(format!("users.password_hash is not a hash: {e}")))?;
        let right = argon2()?.verify_password(password.as_bytes(), &hash).is_ok();
        Ok(right && known)
    })
    .await
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let permit = AT_ONCE.acquire().await.map_err(|e| Error::Internal(e.to_string()))?;
    let task = tokio::task::spawn_blocking(move || {
        // Held by the work itself: a caller that goes away does not make room for another hash beside this one.
        let _permit = permit;
        work()
    });
    task.await.map_err(|e| Error::Internal(format!("password hashing: {e}")))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn verifies_what_it_hashed_and_nothing_else() {
        let hash = hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify("correct horsf", Some(&hash)).await.unwrap());
        assert!(verify("x", Some("no hash")).await.is_err());
    }

    #[tokio::test]
    async fn nobody_has_a_hash_that_costs_as_much_and_never_matches() {
        assert!(PasswordHash::new(NOBODY).is_ok());
        assert!(!verify("", None).await.unwrap());
    }

    #[test]
    fn length_counts_characters() {
        assert!(check("äöüäöüäöüä").is_ok());
        assert!(check("short").is_err());
        assert!(check(&"x".repeat(201)).is_err());
    }
}
