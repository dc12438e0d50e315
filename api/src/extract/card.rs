//! Recognises card numbers, so that a client that sends one by mistake is refused before anything is stored or
//! logged. souk must never hold one.

/// Whether a text contains what is a card number by its beginning, length and check digit. Digits may be grouped by
/// single spaces or dashes. What is joined to letters, underscores or a plus sign is an id or a telephone number.
pub(super) fn is_in(text: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() {
        if !text[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let (digits, end) = run(text, at);
        let joined = at > 0 && is_word(text[at - 1]) || text.get(end).copied().is_some_and(is_word);
        if !joined && is_card(&digits) {
            return true;
        }
        at = end;
    }
    false
}

/// The digits from `at` on, over single separators, and where they end.
fn run(text: &[u8], at: usize) -> (Vec<u8>, usize) {
    let mut digits = Vec::new();
    let mut end = at;
    while let Some(byte) = text.get(end) {
        let separator = matches!(byte, b' ' | b'-') && text.get(end + 1).is_some_and(u8::is_ascii_digit);
        if byte.is_ascii_digit() {
            digits.push(byte - b'0');
        } else if !separator {
            break;
        }
        end += 1;
    }
    (digits, end)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'.') || !byte.is_ascii()
}

fn is_card(digits: &[u8]) -> bool {
    if !(13..=19).contains(&digits.len()) {
        return false;
    }
    let first_four = digits[..4].iter().fold(0, |number, digit| number * 10 + u32::from(*digit));
    // Mastercard's newer range, narrow enough that two dates in a row are not in it; American Express, Diners and
    // JCB begin with 3, Visa with 4, Mastercard with 5, Discover and UnionPay with 6.
    let issued = matches!(first_four, 2_221..=2_720 | 3_000..=6_999);
    issued && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| u32::from(if index % 2 == 1 { doubled(*digit) } else { *digit }))
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_test_cards_are_recognised_however_they_are_written() {
        for card in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "378282246310005",
            "5555555555554444",
        ] {
            assert!(is_in(format!("{{\"note\": \"{card}\"}}").as_bytes()), "{card}");
        }
        assert!(is_in(b"{\"number\":4000056655665556,\"cvc\":123}"));
    }

    #[test]
    fn ids_times_amounts_and_telephone_numbers_are_not_cards() {
        for text in [
            "4242424242424241",
            "ord_42424242424242420000000000000000",
            "018f4242424242424242abcd",
            "2026-11-21T10:00:00.000Z",
            "+4915112345678",
            "1700000000000",
            "2026-11-21 2026-11-27",
            "99999999",
            "42424242424242424242",
            "4242.4242",
            "",
        ] {
            assert!(!is_in(text.as_bytes()), "{text}");
        }
    }
}
