//! What a front takes from its clients at most. Every bound is a named constant and can be set.

use std::time::Duration;

/// Largest request body in bytes. One item of 150 MB (the largest message Exchange Online can be set to move,
/// `MaxReceiveSize`) is 200 MB in Base64; the rest is room for what surrounds it.
pub const BODY_BYTES: usize = 256 << 20;

/// Largest request body in bytes that is read from a client that has not said who it is (assumed).
pub const STRANGER_BODY_BYTES: usize = 1 << 20;

/// Longest time for a request body to arrive (assumed).
pub const BODY_TIME: Duration = Duration::from_mins(5);

/// Longest time in which nothing is sent or received on a connection without a request in progress, or a request's
/// headers have not arrived whole. The default of IIS, which serves Exchange (`connectionTimeout`, two minutes).
pub const IDLE: Duration = Duration::from_mins(2);

/// Most connections at once; further clients wait to be accepted (assumed).
pub const CONNECTIONS: usize = 8_192;

/// Most requests at once on one HTTP/2 connection (the default of IIS is 100).
pub const STREAMS: u32 = 100;

/// Longest header section of an HTTP/2 request in bytes (the default of hyper).
pub const HEADER_BYTES: u32 = 16 << 10;

/// Longest time for a TLS handshake, and for a proxy's client to say where it wants to go (assumed).
pub const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long requests in progress may take to end once the front is asked to stop.
pub const STOP: Duration = Duration::from_secs(2);

/// Bounds of one front.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Largest request body in bytes; see [`BODY_BYTES`].
    pub body_bytes: usize,
    /// Largest request body of a client that has not said who it is; see [`STRANGER_BODY_BYTES`].
    pub stranger_body_bytes: usize,
    /// Longest time for a request body to arrive; see [`BODY_TIME`].
    pub body_time: Duration,
    /// Longest idle time of a connection; see [`IDLE`].
    pub idle: Duration,
    /// Most connections at once; see [`CONNECTIONS`].
    pub connections: usize,
    /// Most requests at once on one HTTP/2 connection; see [`STREAMS`].
    pub streams: u32,
    /// Longest time for a handshake; see [`HANDSHAKE`].
    pub handshake: Duration,
    /// How long requests in progress may take to end once the front is asked to stop; see [`STOP`].
    pub stop: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            body_bytes: BODY_BYTES,
            stranger_body_bytes: STRANGER_BODY_BYTES,
            body_time: BODY_TIME,
            idle: IDLE,
            connections: CONNECTIONS,
            streams: STREAMS,
            handshake: HANDSHAKE,
            stop: STOP,
        }
    }
}
