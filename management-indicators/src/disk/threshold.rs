use std::fmt;

/// How much a file system has to have free, and how it was written.
#[derive(Clone, Debug, Default)]
pub(super) struct Threshold {
    pub(super) amount: Amount,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    Bytes(u64),
    Percent(f64),
}

impl Default for Amount {
    fn default() -> Self {
        Amount::Bytes(0)
    }
}

const UNITS: [(&str, u64); 11] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
];

impl Threshold {
    /// The error names the text and the remedy.
    pub(super) fn parse(given: &str) -> Result<Self, String> {
        let text = given.trim();
        match parse(text) {
            Ok(amount) => Ok(Threshold { amount, text: text.into() }),
            Err(why) => Err(format!(
                "the threshold {given:?} is not valid, since {why}: write it like \"500MB\", \"2GiB\" or \"5%\""
            )),
        }
    }

    /// Whether this is a threshold of the same kind that is not higher.
    pub(super) fn is_at_most(&self, other: &Threshold) -> bool {
        match (self.amount, other.amount) {
            (Amount::Bytes(own), Amount::Bytes(other)) => own <= other,
            (Amount::Percent(own), Amount::Percent(other)) => own <= other,
            _ => false,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse(text: &str) -> Result<Amount, &'static str> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start();
    // Without this, `.5` and `5.` would be numbers.
    let has_digits = number.split('.').all(|part| !part.is_empty());
    let number = match number.parse::<f64>() {
        Ok(number) if has_digits => number,
        _ if text.is_empty() => return Err("it is empty"),
        _ => return Err("it does not begin with a number"),
    };
    if unit == "%" {
        return if number <= 100.0 {
            Ok(Amount::Percent(number))
        } else {
            Err("it is more than 100%")
        };
    }
    if unit.is_empty() {
        return Err("it has no unit");
    }
    let unit = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
    let (_, bytes) = unit.ok_or("its unit is unknown")?;
    let bytes = number * to_float(*bytes);
    if bytes < to_float(u64::MAX) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is in range"
        )]
        Ok(Amount::Bytes(bytes as u64))
    } else {
        Err("it is larger than any file system")
    }
}

/// A number of bytes in the largest unit of which there is one, rounded down to a tenth.
pub(super) fn size(bytes: u64) -> String {
    let (unit, in_bytes) =
        UNITS[..6].iter().rev().find(|(_, unit)| *unit <= bytes).unwrap_or(&UNITS[0]);
    if *in_bytes == 1 {
        return format!("{bytes} B");
    }
    let tenths = bytes / (in_bytes / 10);
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[expect(clippy::cast_precision_loss, reason = "a threshold needs no more than 15 digits")]
fn to_float(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds() {
        for (text, amount) in [
            ("500MB", Amount::Bytes(500_000_000)),
            ("2GiB", Amount::Bytes(2 << 30)),
            ("1.5 kB", Amount::Bytes(1_500)),
            (" 1kib ", Amount::Bytes(1_024)),
            ("0B", Amount::Bytes(0)),
            ("16383PiB", Amount::Bytes(16_383 << 50)),
            ("5%", Amount::Percent(5.0)),
            ("0.5 %", Amount::Percent(0.5)),
            ("100%", Amount::Percent(100.0)),
        ] {
            let threshold = Threshold::parse(text).unwrap();
            assert_eq!(threshold.amount, amount, "{text}");
            assert_eq!(threshold.to_string(), text.trim());
        }
    }

    #[test]
    fn what_is_no_threshold() {
        for (text, why) in [
            ("", "it is empty"),
            ("5", "it has no unit"),
            ("abc", "it does not begin with a number"),
            ("120%", "it is more than 100%"),
            ("-1MB", "it does not begin with a number"),
            ("%", "it does not begin with a number"),
            ("5.MB", "it does not begin with a number"),
            ("1.2.3MB", "it does not begin with a number"),
            ("NaN%", "it does not begin with a number"),
            ("1e3MB", "its unit is unknown"),
            ("5M", "its unit is unknown"),
            ("5%%", "its unit is unknown"),
            ("99999999PB", "it is larger than any file system"),
            (&format!("{}MB", "9".repeat(400)), "it is larger than any file system"),
        ] {
            let complaint = Threshold::parse(text).unwrap_err();
            let expected = format!(
                "the threshold {text:?} is not valid, since {why}: write it like \"500MB\", \"2GiB\" or \"5%\""
            );
            assert_eq!(complaint, expected);
        }
    }

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (12_399_999, "12.3 MB"),
            (u64::MAX, "18446.7 PB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
