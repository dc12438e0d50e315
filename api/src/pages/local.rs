//! Addresses within this site. Where a login leads is in the address of the login page, which anybody can make up,
//! so only a path of our own is ever followed.

/// The path if it stays on this site, else `otherwise`.
pub(super) fn or<'a>(next: Option<&'a str>, otherwise: &'a str) -> &'a str {
    next.filter(|next| is_local(next)).unwrap_or(otherwise)
}

/// Browsers read `//host`, `/\host` and addresses with line breaks in them in surprising ways; none of them is ours.
fn is_local(path: &str) -> bool {
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    plain && path.starts_with('/') && !path.starts_with("//") && path.len() <= 2_000
}

/// The login page that leads back to `here`, unless that is a login page itself.
pub(super) fn login(here: &str) -> String {
    if here.starts_with("/login") || here.starts_with("/register") {
        return "/login".to_owned();
    }
    let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
    format!("/login?next={next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        for good in ["/", "/account", "/orders/ord_1?token=a&b=c", "/seller/sel_1/listings"] {
            assert_eq!(or(Some(good), "/x"), good);
        }
        for bad in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/a\r\nb",
            "https://evil.example/",
            "javascript:alert(1)",
            "/ä",
        ] {
            assert_eq!(or(Some(bad), "/x"), "/x", "{bad}");
        }
        assert_eq!(or(None, "/x"), "/x");
    }
}
