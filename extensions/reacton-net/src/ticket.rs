//! What a host prints and a client pastes: the host's key, and addresses at which it may be reached.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use iroh::{EndpointAddr, EndpointId, RelayUrl};

use crate::error::NetError;

/// The key of a host, and its addresses. As text, `KEY@ADDRESS,ADDRESS`. The key alone is a ticket, too, for a session that
/// reaches the host in another way.
///
/// It is no secret: who has it can reach the host, and is refused if the host does not allow its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    id: EndpointId,
    addresses: Vec<SocketAddr>,
}

impl Ticket {
    pub(crate) fn new(id: EndpointId, addresses: Vec<SocketAddr>) -> Self {
        Self { id, addresses }
    }

    /// Where to reach the host: at its addresses, and over the relays that the client names.
    pub(crate) fn address(&self, relays: &[RelayUrl]) -> EndpointAddr {
        let addresses = self.addresses.iter().copied();
        let direct = addresses.fold(EndpointAddr::new(self.id), EndpointAddr::with_ip_addr);
        relays.iter().cloned().fold(direct, EndpointAddr::with_relay_url)
    }

    /// Whether it says where the host is.
    pub(crate) fn has_addresses(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// How messages name the host.
    pub(crate) fn name(&self) -> String {
        let at = self.addresses.first().map(|address| format!(" at {address}"));
        format!("the host {}{}", self.id.fmt_short(), at.unwrap_or_default())
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        for (at, address) in self.addresses.iter().enumerate() {
            write!(f, "{}{address}", if at == 0 { '@' } else { ',' })?;
        }
        Ok(())
    }
}

impl From<Ticket> for String {
    fn from(ticket: Ticket) -> Self {
        ticket.to_string()
    }
}

impl FromStr for Ticket {
    type Err = NetError;

    fn from_str(text: &str) -> Result<Self, NetError> {
        let wrong = |reason| NetError::Ticket { text: text.to_owned(), reason };
        let text = text.trim();
        let (id, addresses) = text.split_once('@').unwrap_or((text, ""));
        let id = id.parse().map_err(|_| wrong("it does not begin with a public key"))?;
        let addresses = addresses.split_terminator(',').map(str::parse);
        let addresses: Result<Vec<SocketAddr>, _> = addresses.collect();
        let addresses =
            addresses.map_err(|_| wrong("its addresses are not of the form `192.0.2.1:7447`"))?;
        Ok(Self { id, addresses })
    }
}
