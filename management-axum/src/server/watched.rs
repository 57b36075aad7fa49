//! A socket that reports what happens on it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::{Activity, Side};

/// A socket that notices when its client disconnects, even while the server does not read.
///
/// With half-closed connections allowed, hyper does not read while a request is in flight, so it would not notice a client
/// that is gone. It flushes whenever it is woken, and then this reads one byte ahead.
pub(super) struct Watched<I> {
    io: I,
    /// The byte that was read ahead.
    ahead: Option<u8>,
    /// Whether the client has closed its sending side.
    has_ended: bool,
    /// The last bytes that were read.
    tail: [u8; 4],
    /// Whether a reader waits to be woken.
    is_awaited: bool,
    activity: Arc<Activity>,
}

impl<I> Watched<I> {
    pub(super) fn new(io: I, activity: Arc<Activity>) -> Self {
        Watched { io, ahead: None, has_ended: false, tail: [0; 4], is_awaited: false, activity }
    }

    fn end_input(&mut self) {
        self.has_ended = true;
        self.activity.idle.input_closed();
    }

    /// Fails if the connection was upgraded and cut.
    fn attend(&self, side: &Side, cx: &Context<'_>) -> io::Result<()> {
        if self.activity.is_upgraded() { self.activity.attend(side, cx) } else { Ok(()) }
    }
}

impl<I: AsyncRead + Unpin> Watched<I> {
    /// Fails if the client has reset the connection.
    fn look_ahead(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.ahead.is_some() || self.has_ended || self.activity.is_upgraded() {
            return Ok(());
        }
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let Poll::Ready(read) = Pin::new(&mut self.io).poll_read(cx, &mut buffer) else {
            return Ok(());
        };
        read?;
        match buffer.filled().first() {
            Some(byte) => self.ahead = Some(*byte),
            None => self.end_input(),
        }
        if self.is_awaited {
            cx.waker().wake_by_ref();
        }
        Ok(())
    }

    /// Records the result of an attempt to write.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.activity.set_blocked(written.is_pending());
        match written {
            Poll::Ready(Ok(_)) => self.activity.idle.output_sent(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.look_ahead(cx)?,
        }
        written
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.attend(&Side::Read, cx)?;
        this.is_awaited = false;
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let ahead = this.ahead.take();
        if let Some(byte) = ahead {
            buffer.put_slice(&[byte]);
        }
        // Together with what follows: otherwise, a body would be read byte by byte.
        if !this.has_ended && buffer.remaining() > 0 {
            let so_far = buffer.filled().len();
            match Pin::new(&mut this.io).poll_read(cx, buffer) {
                Poll::Pending if ahead.is_some() => {}
                Poll::Pending => {
                    this.is_awaited = true;
                    return Poll::Pending;
                }
                Poll::Ready(read) => {
                    read?;
                    if buffer.filled().len() == so_far {
                        this.end_input();
                    }
                }
            }
        }
        let new = &buffer.filled()[before..];
        if !new.is_empty() {
            match new.last_chunk() {
                Some(tail) => this.tail = *tail,
                None => {
                    this.tail.rotate_left(new.len());
                    let start = this.tail.len() - new.len();
                    this.tail[start..].copy_from_slice(new);
                }
            }
            this.activity
                .head_received(this.tail.ends_with(b"\n\r\n") || this.tail.ends_with(b"\n\n"));
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.attend(&Side::Write, cx)?;
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.attend(&Side::Write, cx)?;
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.attend(&Side::Write, cx)?;
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.activity.set_blocked(flushed.is_pending());
        // Otherwise, hyper reads by itself.
        if flushed.is_pending() || self.activity.is_open() {
            self.look_ahead(cx)?;
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl<I> Drop for Watched<I> {
    fn drop(&mut self) {
        self.activity.close();
    }
}
