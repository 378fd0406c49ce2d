//! The endpoint of a host or a session, and the one thread on which all of them of this process run.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use iroh::endpoint::{QuicTransportConfig, presets};
use iroh::{Endpoint, RelayMode, RelayUrl, SecretKey};
use tokio::runtime::Handle;

use crate::admission::ALPN;
use crate::error::NetError;
use crate::mdns::Mdns;

/// A peer that is silent for this long is lost.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A value has at most so many bytes by default.
pub(crate) const MAX_VALUE: u64 = 256 << 20;

/// So often each side shows that it lives.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(1);

/// So many bytes of one link may be on their way, or arrived and not read.
const WINDOW: u32 = 1 << 20;

/// So many links, and so many reports beside them, one peer may open.
const STREAMS: u32 = 4096;

/// Returns the runtime of this process: one thread, which does no work of the program.
pub(crate) fn runtime() -> Result<&'static Handle, NetError> {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    if let Some(handle) = RUNTIME.get() {
        return Ok(handle);
    }
    let failed = |error: std::io::Error| NetError::Bind {
        address: String::from("any address"),
        reason: error.to_string(),
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let handle = runtime.handle().clone();
    // If another thread was faster, this runtime ends again at once.
    let handle = RUNTIME.get_or_init(|| handle);
    if handle.id() == runtime.handle().id() {
        thread::Builder::new()
            .name(String::from("reacton net"))
            .spawn(move || runtime.block_on(std::future::pending::<()>()))
            .map_err(failed)?;
    }
    Ok(handle)
}

/// Waits for a future that runs on the thread of iroh. Also a thread may call this that runs another runtime.
pub(crate) fn wait_for<T: Send + 'static>(
    runtime: &Handle,
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, NetError> {
    let (sender, receiver) = sync_channel(1);
    runtime.spawn(async move {
        let _ = sender.send(future.await);
    });
    receiver.recv().map_err(|_| NetError::Bind {
        address: String::from("any address"),
        reason: String::from("the thread of the network has ended"),
    })
}

fn transport(patience: Duration) -> QuicTransportConfig {
    let idle = patience.try_into().ok();
    QuicTransportConfig::builder()
        .max_idle_timeout(idle)
        .keep_alive_interval(HEARTBEAT)
        .default_path_keep_alive_interval(HEARTBEAT)
        .stream_receive_window(WINDOW.into())
        .max_concurrent_bidi_streams(STREAMS.into())
        .max_concurrent_uni_streams(4_u32.into())
        .build()
}

/// The URL of a relay, as a program names it.
pub(crate) fn parse_relay(text: String) -> Result<RelayUrl, NetError> {
    text.trim().parse().map_err(|_| NetError::Relay { text })
}

/// Binds an endpoint: it knows no relay but those named here, uses this address only, and looks up nothing but what `mdns`
/// asks for.
pub(crate) async fn bind(
    key: SecretKey,
    address: SocketAddr,
    patience: Duration,
    relays: Vec<RelayUrl>,
    mdns: Mdns,
) -> Result<Endpoint, NetError> {
    let relay_mode =
        if relays.is_empty() { RelayMode::Disabled } else { RelayMode::custom(relays) };
    let failed = |reason: String| NetError::Bind { address: address.to_string(), reason };
    let endpoint = Endpoint::builder(presets::Minimal)
        .relay_mode(relay_mode)
        .clear_address_lookup()
        .clear_ip_transports()
        .bind_addr(address)
        .map_err(|error| failed(error.to_string()))?
        .secret_key(key)
        .alpns(vec![ALPN.to_vec()])
        .transport_config(transport(patience))
        .bind()
        .await
        .map_err(|error| failed(format!("{error:#}")))?;
    mdns.begin(&endpoint).map_err(failed)?;
    Ok(endpoint)
}
