//! From when on and until when a certificate holds (RFC 5280 section 4.1.2.5). What rustls and webpki read of it they keep to themselves.

const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT Version`.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The beginning and the end of its validity, in seconds since 1970. `None` for what is no certificate.
pub(super) fn validity(certificate: &[u8]) -> Option<(u64, u64)> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut body, _) = element(certificate)?;
    let (tag, _, rest) = element(body)?;
    if tag == VERSION {
        body = rest;
    }
    // serialNumber, signature, issuer.
    for _ in 0..3 {
        body = element(body)?.2;
    }
    let (SEQUENCE, validity, _) = element(body)? else { return None };
    let (tag, text, rest) = element(validity)?;
    let begins = time(tag, text)?;
    let (tag, text, _) = element(rest)?;
    Some((begins, time(tag, text)?))
}

/// What something in DER is, by how it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// RFC 5280 section 4.1.
    Certificate,
    /// RFC 5208, RFC 5915 or RFC 8017 appendix A.1.2, or an encrypted one of the first.
    Key,
    /// RFC 7292 section 4.
    Archive,
}

/// Which one of those it is, if it is one.
pub(super) fn form(der: &[u8]) -> Option<Form> {
    const INTEGER: u8 = 0x02;
    let (SEQUENCE, body, []) = element(der)? else { return None };
    match element(body)? {
        (INTEGER, [3], _) => Some(Form::Archive),
        (INTEGER, [0 | 1], _) => Some(Form::Key),
        (SEQUENCE, _, _) => Some(if validity(der).is_some() { Form::Certificate } else { Form::Key }),
        _ => None,
    }
}

/// Whether it is an answer about a certificate as a responder gives it when it has one (RFC 6960 section 4.2.1): one whole
/// `OCSPResponse` that is `successful`, with what it says.
pub(super) fn is_ocsp_response(der: &[u8]) -> bool {
    const ENUMERATED: u8 = 0x0a;
    const RESPONSE: u8 = 0xa0;
    let whole = |response| {
        let (SEQUENCE, body, []) = element(response)? else { return None };
        let (ENUMERATED, [0], bytes) = element(body)? else { return None };
        let (RESPONSE, bytes, []) = element(bytes)? else { return None };
        matches!(element(bytes)?, (SEQUENCE, _, [])).then_some(())
    };
    whole(der).is_some()
}

/// The tag and content of the first of some elements, and what follows it (X.690 section 8.1).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from then on.
fn time(tag: u8, text: &[u8]) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| -> Option<u64> {
        let digits = text.get(range)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
    };
    let (year, at) = match tag {
        UTC_TIME => {
            let year = number(0..2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, 2)
        }
        GENERALIZED_TIME => (number(0..4)?, 4),
        _ => return None,
    };
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|from| number(at + from..at + from + 2));
    let (month, day) = (month?, day?);
    if text.get(at + 10..) != Some(b"Z") || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    Some(days * 86_400 + hour? * 3600 + minute? * 60 + second?)
}

/// Years count from March on, so that the day that some have more is their last.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month < 3 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    days.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::test_client::Made;

    #[test]
    fn a_certificate_says_when_it_holds() {
        // RFC 9500's date has no use here: any certificate whose end is known will do.
        let made = Made::of(&["localhost"]);
        assert_eq!(validity(made.cert_der()), Some((Made::BEGINS, Made::EXPIRES)));
        for length in 0..made.cert_der().len() {
            // Whatever is missing, it is no panic.
            let _ = validity(&made.cert_der()[..length]);
        }
        assert_eq!(validity(b""), None);
    }

    #[test]
    fn an_answer_about_a_certificate_is_told_from_others() {
        let answer = [0x30, 0x09, 0x0a, 0x01, 0x00, 0xa0, 0x04, 0x30, 0x02, 0x06, 0x00];
        assert!(is_ocsp_response(&answer));
        for length in 0..answer.len() {
            assert!(!is_ocsp_response(&answer[..length]));
        }
        let not_now = [0x30, 0x03, 0x0a, 0x01, 0x03];
        assert!(!is_ocsp_response(&not_now) && !is_ocsp_response(b"response") && !is_ocsp_response(&[0x30, 0x00]));
        assert!(!is_ocsp_response(&[&answer[..], b"x"].concat()));
    }

    #[test]
    fn times_of_both_forms() {
        assert_eq!(time(UTC_TIME, b"700101000000Z"), Some(0));
        assert_eq!(time(UTC_TIME, b"000229120000Z"), Some(951_825_600));
        assert_eq!(time(UTC_TIME, b"491231235959Z"), Some(2_524_607_999));
        assert_eq!(time(GENERALIZED_TIME, b"20500101000000Z"), Some(2_524_608_000));
        assert_eq!(time(GENERALIZED_TIME, b"99991231235959Z"), Some(253_402_300_799));
        for wrong in [&b"7001010000Z"[..], b"700101000000", b"701301000000Z", b"7001010000xxZ", b"", b"500101000000Z-"]
        {
            assert_eq!(time(UTC_TIME, wrong), None);
        }
    }
}
