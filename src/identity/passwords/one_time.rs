//! Passwords that a person gets from an admin or the operator and must change at the first login.

use rand::Rng;
use secrecy::SecretString;

/// Letters and digits that are not mistaken for one another, so that it can be read out and typed: 31 of them.
const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Six groups of five: 148 random bits, above the 128 that OWASP ASVS 11.5.1 asks for.
const GROUPS: usize = 6;
const GROUP: usize = 5;

/// A new one, e.g. `k7m2p-…`.
pub fn one_time_password() -> SecretString {
    let mut rng = rand::rng();
    let mut text = String::new();
    for group in 0..GROUPS {
        if group > 0 {
            text.push('-');
        }
        for _ in 0..GROUP {
            text.push(char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]));
        }
    }
    SecretString::from(text)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn each_is_another_one_of_the_same_form() {
        let all: std::collections::HashSet<String> =
            (0..1_000).map(|_| one_time_password().expose_secret().to_owned()).collect();
        assert_eq!(all.len(), 1_000);
        for text in all {
            let groups: Vec<&str> = text.split('-').collect();
            assert_eq!(groups.len(), GROUPS, "{text}");
            assert!(groups.iter().all(|group| group.len() == GROUP), "{text}");
        }
    }
}
