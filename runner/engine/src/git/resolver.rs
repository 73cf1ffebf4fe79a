//! Names of hosts, and the addresses that a build may reach.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::address::Grants;

/// Refuses addresses inside of a network: what a stranger's pipeline names must not reach the services beside this
/// machine. It is asked for each connection, so that a redirection or a name that changes its address gains nothing.
#[derive(Debug)]
pub(super) struct PublicAddresses {
    pub(super) grants: Arc<Grants>,
    pub(super) resolver: DefaultResolver,
}

impl Resolver for PublicAddresses {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        let host = uri.host().unwrap_or_default();
        if self.grants.names(host, uri.port_u16()) {
            return Ok(found);
        }
        match found.iter().find(|address| !is_public(address.ip())) {
            None => Ok(found),
            Some(address) => {
                let ip = address.ip();
                let message =
                    format!("`{host}` is {ip}, which is not a public address; allow it with `--allow-clone {host}`");
                Err(ureq::Error::Other(message.into()))
            }
        }
    }
}

/// Whether an address is one of the open network: not of this machine, of a private or link-local network, nor one of
/// those set aside for other uses (RFC 6890).
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let assigned = a == 192 && b == 0 && c == 0;
            let benchmark = a == 198 && (b == 18 || b == 19);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || a >= 240
                || shared
                || assigned
                || benchmark)
        }
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => is_public(IpAddr::V4(inner)),
            // What is handed out at all, without the ranges for documentation.
            None => ip.segments()[0] & 0xe000 == 0x2000 && !(ip.segments()[0] == 0x2001 && ip.segments()[1] == 0xdb8),
        },
    }
}

/// The address of the old kind that one of the new kind leads to.
fn embedded(ip: Ipv6Addr) -> Option<std::net::Ipv4Addr> {
    let segments = ip.segments();
    let pair = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        std::net::Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // Translated by NAT64, or 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(pair(high, low)),
        [0x2002, high, low, ..] => Some(pair(high, low)),
        _ => ip.to_ipv4_mapped(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_of_a_network_are_not_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "::7f00:1",
        ] {
            assert!(!is_public(inside.parse().expect(inside)), "{inside}");
        }
        for outside in ["140.82.121.4", "1.1.1.1", "172.32.0.1", "2606:50c0:8000::153", "64:ff9b::8c52:7904"] {
            assert!(is_public(outside.parse().expect(outside)), "{outside}");
        }
    }
}
