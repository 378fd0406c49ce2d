//! The road to a child process: a pair of sockets, one of which is the child's standard input.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_send_buffer_size;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, recv, sendmsg, shutdown};

use crate::link::RoadSender;
use crate::worker::carrier::Received;

/// How long a receiver spins and yields before it sleeps.
const SPIN: Duration = Duration::from_micros(20);

/// The number of bytes that may wait in each direction, if the system allows it. A value of this size is sent without a
/// wait.
const ROOM: usize = 1 << 20;

/// One end of a road.
#[derive(Debug, Clone)]
pub(super) struct Socket(Arc<OwnedFd>);

/// Why a wait for bytes is over.
enum Waited {
    Ready,
    TimedOut,
    ProcessEnded,
}

impl Socket {
    /// Returns the two ends of a new road.
    pub(super) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (here, there) = UnixStream::pair()?;
        for end in [&here, &there] {
            // The system may allow less.
            let _ = set_socket_send_buffer_size(end, ROOM);
        }
        Ok((Self::of(here.into()), there.into()))
    }

    pub(super) fn of(fd: OwnedFd) -> Self {
        Self(Arc::new(fd))
    }

    /// Waits for bytes until `until`, and appends them to `buffer`. If `process` is set, its end counts as the end of the road, even if one of its
    /// child processes keeps the other end open.
    pub(super) fn receive(
        &self,
        buffer: &mut Vec<u8>,
        process: Option<&OwnedFd>,
        until: Option<Instant>,
    ) -> Received {
        let mut spun_since = None;
        loop {
            match self.take(buffer) {
                Ok(0) => return Received::Ended,
                Ok(_) => return Received::Bytes,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let now = Instant::now();
                    if now.duration_since(*spun_since.get_or_insert(now)) < SPIN {
                        thread::yield_now();
                        continue;
                    }
                    match self.wait(process, until) {
                        Waited::Ready => {}
                        // Everything that the process sent before its end has arrived.
                        Waited::ProcessEnded => {
                            let last = self.take(buffer);
                            return if last.is_ok_and(|count| count > 0) {
                                Received::Bytes
                            } else {
                                Received::Ended
                            };
                        }
                        Waited::TimedOut => return Received::Idle,
                    }
                }
                Err(_) => return Received::Ended,
            }
        }
    }

    fn take(&self, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
        recv(&*self.0, spare_capacity(buffer), RecvFlags::DONTWAIT).map(|(count, _)| count)
    }

    fn wait(&self, process: Option<&OwnedFd>, until: Option<Instant>) -> Waited {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let socket = PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN);
        let second = process.map_or(self.0.as_fd(), AsFd::as_fd);
        let mut both = [socket, PollFd::from_borrowed_fd(second, PollFlags::IN)];
        match poll(&mut both, left.as_ref()) {
            Ok(0) => Waited::TimedOut,
            Ok(_) if both[0].revents().is_empty() => Waited::ProcessEnded,
            Ok(_) | Err(Errno::INTR) => Waited::Ready,
            Err(_) => Waited::ProcessEnded,
        }
    }

    fn send_with(&self, bytes: &[IoSlice<'_>], flags: SendFlags) -> io::Result<usize> {
        // Apple's systems have no such flag. Rust programs ignore this signal by default.
        #[cfg(not(target_vendor = "apple"))]
        let flags = flags | SendFlags::NOSIGNAL;
        let mut none = SendAncillaryBuffer::new(&mut []);
        Ok(sendmsg(&*self.0, bytes, &mut none, flags)?)
    }
}

impl RoadSender for Socket {
    fn try_send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.send_with(bytes, SendFlags::DONTWAIT) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                ) =>
            {
                Ok(0)
            }
            result => result,
        }
    }

    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        loop {
            match self.send_with(bytes, SendFlags::empty()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn end(&self) {
        // The other side may have ended it already.
        let _ = shutdown(&*self.0, Shutdown::Both);
    }
}
