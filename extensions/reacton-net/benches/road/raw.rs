//! A raw stream of iroh, with the settings of the product and threads at both ends: one reads and splits what arrives,
//! one works, one writes what comes closely after something else.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use iroh::endpoint::{Connection, QuicTransportConfig, RecvStream, SendStream, presets};
use iroh::{Endpoint, EndpointAddr, RelayMode, SecretKey};
use reacton_isolate::reach::unparking;
use tokio::runtime::Handle;

use super::{BURST, HostProcess, Outcome, RAW_HOST};

const ALPN: &[u8] = b"reacton-bench/1";

/// How long a thread that waits spins and yields before it sleeps.
const SPIN: Duration = Duration::from_micros(20);

/// The kinds of messages: one to be answered by one of its length, or by a byte if it is long, ..
const QUESTION: u8 = 0;
/// .. and one of a burst, of which the last is answered.
const NUMBER: u8 = 1;
const LAST: u8 = 2;
/// After one of this kind the host reads nothing more.
const NEVER: u8 = 3;

/// The kind and the length of a message, and the length of one in a burst, which is that of a frame.
const HEAD: usize = 9;
const SHORT: usize = 43 - HEAD;

/// The thread of iroh in this process.
pub(super) fn runtime() -> Outcome<Handle> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    Ok(handle)
}

async fn endpoint() -> Outcome<Endpoint> {
    let transport = QuicTransportConfig::builder()
        .max_idle_timeout(Some(Duration::from_secs(30).try_into()?))
        .keep_alive_interval(Duration::from_secs(1))
        .default_path_keep_alive_interval(Duration::from_secs(1))
        .stream_receive_window((1_u32 << 20).into())
        .build();
    let endpoint = Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .clear_address_lookup()
        .clear_ip_transports()
        .bind_addr(SocketAddr::from(([127, 0, 0, 1], 0)))?
        .secret_key(SecretKey::generate())
        .alpns(vec![ALPN.to_vec()])
        .transport_config(transport)
        .bind()
        .await?;
    Ok(endpoint)
}

fn write(stream: &mut SendStream, mut bytes: &[u8]) -> Outcome {
    let waker = unparking();
    while !bytes.is_empty() {
        match Pin::new(&mut *stream).poll_write(&mut Context::from_waker(&waker), bytes) {
            Poll::Ready(written) => bytes = &bytes[written?..],
            Poll::Pending => thread::park(),
        }
    }
    Ok(())
}

/// The messages that a thread reads from a stream.
fn reads(mut stream: RecvStream) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let waker = unparking();
        let (mut arrived, mut room) = (Vec::new(), vec![0; 1 << 16]);
        let mut since = None;
        loop {
            let read = pin!(stream.read(&mut room)).poll(&mut Context::from_waker(&waker));
            match read {
                Poll::Ready(Ok(Some(count))) => {
                    since = None;
                    arrived.extend_from_slice(&room[..count]);
                    if arrived.first() == Some(&NEVER) {
                        thread::sleep(Duration::MAX);
                    }
                    if !split(&mut arrived, &sender) {
                        return;
                    }
                }
                Poll::Ready(_) => return,
                Poll::Pending if since.get_or_insert_with(Instant::now).elapsed() < SPIN => {
                    thread::yield_now();
                }
                Poll::Pending => thread::park(),
            }
        }
    });
    receiver
}

/// Passes on the messages that have arrived whole.
fn split(arrived: &mut Vec<u8>, to: &Sender<Vec<u8>>) -> bool {
    let mut begin = 0;
    while let Some(head) = arrived.get(begin..begin + HEAD) {
        let len = usize::from_le_bytes(head[1..].first_chunk().copied().unwrap_or_default());
        let Some(message) = arrived.get(begin..begin + HEAD + len) else {
            // Room for all of a long one, as the product makes.
            arrived.reserve((begin + HEAD + len).saturating_sub(arrived.len()));
            break;
        };
        // What came alone is not copied.
        if (begin, HEAD + len) == (0, arrived.len()) {
            return to.send(std::mem::take(arrived)).is_ok();
        }
        if to.send(message.to_vec()).is_err() {
            return false;
        }
        begin += HEAD + len;
    }
    arrived.drain(..begin);
    true
}

/// Waits as a store does: spins, then sleeps.
fn next(receiver: &Receiver<Vec<u8>>) -> Option<Vec<u8>> {
    let since = Instant::now();
    while since.elapsed() < SPIN {
        match receiver.try_recv() {
            Ok(message) => return Some(message),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => thread::yield_now(),
        }
    }
    receiver.recv().ok()
}

fn message(kind: u8, len: usize) -> Vec<u8> {
    let mut message = vec![5; HEAD + len];
    message[0] = kind;
    message[1..HEAD].copy_from_slice(&len.to_le_bytes());
    message
}

/// The body of the host's process.
pub(super) fn host() -> Outcome {
    let runtime = runtime()?;
    let endpoint = runtime.block_on(endpoint())?;
    println!("{}@{}", endpoint.id(), endpoint.bound_sockets()[0]);
    runtime.block_on(async {
        while let Some(incoming) = endpoint.accept().await {
            tokio::spawn(async move {
                let Ok(connection) = incoming.await else { return };
                while let Ok((send, recv)) = connection.accept_bi().await {
                    // One reads and one works.
                    thread::spawn(move || works(send, &reads(recv)));
                }
            });
        }
    });
    Ok(())
}

fn works(mut stream: SendStream, receiver: &Receiver<Vec<u8>>) {
    while let Some(question) = next(receiver) {
        let answer = match question[0] {
            QUESTION if question.len() < 1000 => question,
            NUMBER => continue,
            _ => message(QUESTION, 1),
        };
        if write(&mut stream, &answer).is_err() {
            return;
        }
    }
}

/// The client's side.
pub(super) struct Raw {
    runtime: Handle,
    host: HostProcess,
}

impl Raw {
    pub(super) fn start() -> Outcome<Self> {
        Ok(Self { runtime: runtime()?, host: HostProcess::start(&[RAW_HOST])? })
    }

    pub(super) fn process(&self) -> u32 {
        self.host.child.id()
    }

    pub(super) fn connection(&self) -> Outcome<RawConnection> {
        let (id, address) = self.host.ticket.split_once('@').ok_or("it prints its address")?;
        let to = EndpointAddr::new(id.parse()?).with_ip_addr(address.parse()?);
        let (endpoint, connection) = self.runtime.block_on(async {
            let endpoint = endpoint().await?;
            let connection = endpoint.connect(to, ALPN).await?;
            Ok::<_, Box<dyn std::error::Error>>((endpoint, connection))
        })?;
        Ok(RawConnection { runtime: self.runtime.clone(), endpoint, connection })
    }

    /// Connects, and asks something on a new stream.
    pub(super) fn connect(&self) -> Outcome {
        let connection = self.connection()?;
        connection.stream()?.ask(1)?;
        Ok(())
    }
}

pub(super) struct RawConnection {
    runtime: Handle,
    endpoint: Endpoint,
    connection: Connection,
}

impl RawConnection {
    pub(super) fn stream(&self) -> Outcome<RawStream> {
        let (send, recv) = self.runtime.block_on(self.connection.open_bi())?;
        let (writes, queue) = channel();
        let stream = Arc::new(Mutex::new(send));
        let far = Arc::clone(&stream);
        thread::spawn(move || gathers(&far, &queue));
        Ok(RawStream { stream, writes, receiver: reads(recv) })
    }

    /// Asks something on a new stream.
    pub(super) fn open(&mut self) -> Outcome {
        self.stream()?.ask(1)
    }
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        self.connection.close(0_u32.into(), b"");
        let endpoint = self.endpoint.clone();
        self.runtime.spawn(async move { endpoint.close().await });
    }
}

/// Writes messages that come closely, many at once.
fn gathers(stream: &Mutex<SendStream>, messages: &Receiver<Vec<u8>>) {
    while let Ok(mut gathered) = messages.recv() {
        while gathered.len() < 1 << 16 {
            let Ok(next) = messages.try_recv() else { break };
            gathered.extend_from_slice(&next);
        }
        let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
        if write(&mut stream, &gathered).is_err() {
            return;
        }
    }
}

pub(super) struct RawStream {
    stream: Arc<Mutex<SendStream>>,
    writes: Sender<Vec<u8>>,
    receiver: Receiver<Vec<u8>>,
}

impl RawStream {
    fn write(&self, bytes: &[u8]) -> Outcome {
        write(&mut self.stream.lock().unwrap_or_else(PoisonError::into_inner), bytes)
    }

    /// Sends a question of this length, and waits for the answer.
    pub(super) fn ask(&mut self, len: usize) -> Outcome {
        self.write(&message(QUESTION, len))?;
        next(&self.receiver).ok_or("the host is gone")?;
        Ok(())
    }

    /// Sends many messages, each through the thread that writes, and waits for the answer of the last one.
    pub(super) fn burst(&mut self) -> Outcome {
        for number in 1..=BURST {
            self.writes.send(message(if number < BURST { NUMBER } else { LAST }, SHORT))?;
        }
        next(&self.receiver).ok_or("the host is gone")?;
        Ok(())
    }

    /// Sends to a host that reads nothing, until the stream takes nothing for a second. Returns how much it took.
    pub(super) fn fill(&self, most: usize) -> usize {
        let block = message(NEVER, 1 << 16);
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let waker = unparking();
        let (mut total, mut last) = (0, Instant::now());
        while total < most && last.elapsed() < Duration::from_secs(1) {
            match Pin::new(&mut *stream).poll_write(&mut Context::from_waker(&waker), &block) {
                Poll::Ready(Ok(count)) => (total, last) = (total + count, Instant::now()),
                Poll::Ready(Err(_)) => break,
                Poll::Pending => thread::park_timeout(Duration::from_millis(10)),
            }
        }
        total
    }
}
