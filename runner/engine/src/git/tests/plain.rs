//! Https without its encryption: what is sent where is the same.

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, TcpConnector, Transport,
};

/// Connects as always, or says of every connection that it is encrypted.
#[derive(Debug)]
pub(in crate::git) struct PlainConnector {
    plain: bool,
}

impl PlainConnector {
    pub(in crate::git) fn new(plain: bool) -> Self {
        Self { plain }
    }
}

impl Connector for PlainConnector {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        if self.plain {
            let transport = TcpConnector::default().connect(details, chained)?;
            return Ok(transport.map(|inner| Box::new(Claiming { inner: Box::new(inner) }) as Self::Out));
        }
        let transport = DefaultConnector::default().connect(details, chained)?;
        Ok(transport.map(|inner| Box::new(inner) as Self::Out))
    }
}

/// Says that it is encrypted.
#[derive(Debug)]
struct Claiming {
    inner: Box<dyn Transport>,
}

impl Transport for Claiming {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
