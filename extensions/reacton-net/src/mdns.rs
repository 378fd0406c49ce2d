//! Multicast on the local network, if a program asks for it: a host shows its addresses, and a session asks for those of
//! its hosts. What was found is only proposed: the program there has to prove the key that the ticket names.

use iroh::Endpoint;

/// What an endpoint does on the local network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mdns {
    #[default]
    Off,
    /// It shows its addresses.
    #[cfg(feature = "mdns")]
    Shows,
    /// It asks for those of others, and shows none.
    #[cfg(feature = "mdns")]
    Asks,
}

/// The name of the service. Programs that use iroh for something else have another one.
#[cfg(feature = "mdns")]
const SERVICE: &str = "reactonv1";

impl Mdns {
    /// Begins it for an endpoint, on the thread of iroh.
    #[cfg(feature = "mdns")]
    pub(crate) fn begin(self, endpoint: &Endpoint) -> Result<(), String> {
        use iroh::address_lookup::AddrFilter;
        use iroh_mdns_address_lookup::MdnsAddressLookup;

        if self == Self::Off {
            return Ok(());
        }
        let lookup = MdnsAddressLookup::builder()
            .service_name(SERVICE)
            .advertise(self == Self::Shows)
            .addr_filter(AddrFilter::ip_only())
            .build(endpoint.id());
        let lookup = lookup.map_err(|error| format!("no multicast: {error:#}"))?;
        let lookups = endpoint.address_lookup().map_err(|error| error.to_string())?;
        lookups.add(lookup);
        Ok(())
    }

    #[cfg(not(feature = "mdns"))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as with the feature `mdns`")]
    pub(crate) fn begin(self, _: &Endpoint) -> Result<(), String> {
        Ok(())
    }
}
