//! Bounds on what people type: every text field has a least and a greatest length, counted in characters.

/// A text outside its bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Too short or too long.
    #[error("must have {min} to {max} characters")]
    Length {
        /// Least.
        min: usize,
        /// Greatest.
        max: usize,
    },
    /// Control characters other than line breaks and tabs.
    #[error("must not contain control characters")]
    Control,
    /// Not an address that mail could go to.
    #[error("must be an e-mail address")]
    Email,
    /// Not an absolute http or https address.
    #[error("must be an absolute http or https URL of at most 2000 characters")]
    Url,
    /// Not a country code.
    #[error("must be a two-letter ISO 3166 country code")]
    Country,
}

/// Trims, then checks the length and refuses control characters.
pub fn bounded(text: &str, min: usize, max: usize) -> Result<String, InvalidText> {
    let text = text.trim();
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(InvalidText::Control);
    }
    let length = text.chars().count();
    if (min..=max).contains(&length) { Ok(text.to_owned()) } else { Err(InvalidText::Length { min, max }) }
}

/// An e-mail address in the form that is stored and compared: trimmed and lower case. The check is deliberately
/// slight (one `@`, a dot in the host, no spaces, at most 254 characters): only a delivered mail proves an address.
pub fn email(text: &str) -> Result<String, InvalidText> {
    let text = bounded(text, 3, 254).map_err(|_| InvalidText::Email)?.to_lowercase();
    let Some((local, host)) = text.split_once('@') else { return Err(InvalidText::Email) };
    let plain = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || matches!(c, '@' | '<' | '>' | ',' | '"'))
    };
    let dotted = host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains("..");
    if plain(local) && plain(host) && dotted { Ok(text) } else { Err(InvalidText::Email) }
}

/// A two-letter country code in upper case.
pub fn country(text: &str) -> Result<String, InvalidText> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err(InvalidText::Country)
    }
}

/// An absolute web address, as a provider accepts it for redirects.
pub fn web_url(text: &str) -> Result<String, InvalidText> {
    let text = bounded(text, 8, 2_000).map_err(|_| InvalidText::Url)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or("");
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    if host.is_empty() || host.contains('@') || text.contains(char::is_whitespace) {
        Err(InvalidText::Url)
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_count_characters_after_trimming() {
        assert_eq!(bounded("  ab ", 1, 2).unwrap(), "ab");
        assert_eq!(bounded("äöü", 3, 3).unwrap(), "äöü");
        assert!(bounded("   ", 1, 10).is_err());
        assert_eq!(bounded("a\u{0}b", 1, 10), Err(InvalidText::Control));
    }

    #[test]
    fn emails_are_folded_and_obvious_mistakes_refused() {
        assert_eq!(email(" Ann@Example.COM ").unwrap(), "ann@example.com");
        for bad in ["", "a", "a@b", "a@@b.c", "a b@c.d", "a@.b", "a@b.", "<a@b.c>", "a@b..c"] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls_are_absolute_web_addresses() {
        assert!(web_url("https://shop.example/x?y={CHECKOUT_SESSION_ID}").is_ok());
        for bad in
            ["javascript:alert(1)", "/relative", "https://", "https://a b", "ftp://x.y", "https://user@host/"]
        {
            assert!(web_url(bad).is_err(), "{bad}");
        }
    }
}
