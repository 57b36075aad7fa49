//! A log line of this library. Its target is `management`.

macro_rules! line {
    ($level:ident, $($text:tt)+) => {
        tracing::event!(target: "management", tracing::Level::$level, $($text)+)
    };
}
pub(crate) use line;
