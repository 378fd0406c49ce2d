//! A stream of numbered messages that the other side echoes, and what becomes of them.

use std::time::{Duration, Instant};

use iroh::endpoint::{Connection, ReadExactError};

use super::peer::ECHO;

/// The length of a message: its number, and the time at which it was sent.
const LEN: usize = 1024;

/// So many numbered messages, one each period, whether or not earlier ones have come back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flow {
    period: Duration,
    count: u64,
    /// Prints a line when the first hundred have come back.
    tells: bool,
}

/// All messages have come back, each once and in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flowed {
    pub(crate) echoed: u64,
    /// The longest round trip.
    pub(crate) worst: Duration,
    /// The longest time between two arrivals.
    pub(crate) gap: Duration,
}

/// The stream has broken.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) echoed: u64,
    /// How long after the last arrival.
    pub(crate) silence: Duration,
    pub(crate) error: String,
}

impl Flow {
    pub(crate) fn new(period: Duration, count: u64) -> Self {
        Self { period, count, tells: false }
    }

    /// Prints a line when the first hundred have come back.
    pub(crate) fn telling(self) -> Self {
        Self { tells: true, ..self }
    }

    pub(crate) async fn run(self, connection: &Connection) -> Result<Flowed, Broken> {
        let begun = Instant::now();
        let broken = |echoed, last: Instant, error: String| Broken {
            echoed,
            silence: last.elapsed(),
            error,
        };
        let (mut send, mut recv) =
            connection.open_bi().await.map_err(|error| broken(0, begun, error.to_string()))?;
        let Self { period, count, tells } = self;
        let writer = tokio::spawn(async move {
            send.write_all(&[ECHO]).await?;
            let mut ticks = tokio::time::interval(period);
            for number in 0..count {
                ticks.tick().await;
                let mut message = [0; LEN];
                message[..8].copy_from_slice(&number.to_le_bytes());
                let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
                message[8..16].copy_from_slice(&micros.to_le_bytes());
                send.write_all(&message).await?;
            }
            send.finish().map_err(|_| iroh::endpoint::WriteError::ClosedStream)?;
            Ok::<_, iroh::endpoint::WriteError>(())
        });
        let mut flowed = Flowed { echoed: 0, worst: Duration::ZERO, gap: Duration::ZERO };
        let mut last = Instant::now();
        let mut message = [0; LEN];
        while flowed.echoed < count {
            if let Err(error) = recv.read_exact(&mut message).await {
                writer.abort();
                let error = match error {
                    ReadExactError::ReadError(error) => format!("{error:?}"),
                    ReadExactError::FinishedEarly(_) => String::from("finished early"),
                };
                return Err(broken(flowed.echoed, last, error));
            }
            let number = u64::from_le_bytes(message[..8].try_into().unwrap_or_default());
            assert_eq!(number, flowed.echoed, "lost, repeated or out of order");
            let micros = u64::from_le_bytes(message[8..16].try_into().unwrap_or_default());
            flowed.echoed += 1;
            flowed.worst =
                flowed.worst.max(begun.elapsed().saturating_sub(Duration::from_micros(micros)));
            flowed.gap = flowed.gap.max(last.elapsed());
            last = Instant::now();
            if tells && flowed.echoed == 100 {
                println!("gate: flowing");
            }
        }
        writer
            .await
            .expect("the writer panics")
            .map_err(|error| broken(count, last, error.to_string()))?;
        Ok(flowed)
    }
}
