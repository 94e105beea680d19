//! Packets: the frames of the MySQL protocol, and the fields in them.
//!
//! Source: <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html>

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A frame of this size is followed by another of the same packet.
const FULL_FRAME: usize = 0xff_ffff;

/// What bytes travel on: TCP, or TLS over it.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Transport for T {}

/// Reads and writes packets.
pub(crate) struct PacketStream {
    transport: Box<dyn Transport>,
    /// Read and not yet taken.
    input: BytesMut,
    /// The frames so far of a packet of several.
    partial: BytesMut,
    /// Of the next frame written.
    sequence: u8,
}

impl PacketStream {
    pub(crate) fn new(transport: Box<dyn Transport>) -> Self {
        Self { transport, input: BytesMut::with_capacity(64 * 1024), partial: BytesMut::new(), sequence: 0 }
    }

    /// Puts TLS (or anything else) between the packets and their transport. Nothing may have been read ahead: what
    /// came in plain must not be taken for something said under TLS.
    pub(crate) async fn wrap<F, Fut>(self, wrap: F) -> io::Result<Self>
    where
        F: FnOnce(Box<dyn Transport>) -> Fut,
        Fut: Future<Output = io::Result<Box<dyn Transport>>>,
    {
        if !self.input.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the server spoke before TLS began"));
        }
        Ok(Self { transport: wrap(self.transport).await?, ..self })
    }

    /// The next packet, of at most `limit` bytes. Cancelling loses nothing: the next call goes on.
    pub(crate) async fn read(&mut self, limit: usize) -> io::Result<Bytes> {
        loop {
            self.fill(4).await?;
            let length = self.input.get(..3).map_or(0, |b| b.iter().rev().fold(0, |sum, b| sum << 8 | usize::from(*b)));
            if self.partial.len() + length > limit {
                let problem = format!("a packet of more than {limit} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
            self.fill(4 + length).await?;
            // No waiting from here on: the state changes as a whole.
            self.sequence = self.input.get(3).map_or(0, |sequence| sequence.wrapping_add(1));
            self.input.advance(4);
            let frame = self.input.split_to(length);
            if self.partial.is_empty() && length < FULL_FRAME {
                return Ok(frame.freeze());
            }
            self.partial.extend_from_slice(&frame);
            if length < FULL_FRAME {
                return Ok(std::mem::take(&mut self.partial).freeze());
            }
        }
    }

    async fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while self.input.len() < wanted {
            self.input.reserve((wanted - self.input.len()).clamp(64 * 1024, 1 << 20));
            if self.transport.read_buf(&mut self.input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Begins a new exchange: frames are counted from 0 again.
    pub(crate) fn restart(&mut self) {
        self.sequence = 0;
    }

    /// Sends one packet of less than 16 MiB.
    pub(crate) async fn write(&mut self, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).ok().filter(|length| (*length as usize) < FULL_FRAME);
        let Some(length) = length else { return Err(io::Error::other("a command of 16 MiB or more")) };
        let mut frame = Vec::with_capacity(payload.len() + 4);
        frame.extend_from_slice(&length.to_le_bytes()[..3]);
        frame.push(self.sequence);
        frame.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.transport.write_all(&frame).await?;
        self.transport.flush().await
    }
}

/// Takes fields off a packet; `None` where it ends too early.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    pub(crate) fn int(&mut self, count: usize) -> Option<u64> {
        Some(self.take(count)?.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// Text up to a NUL byte, or to the end: some servers leave the last NUL out.
    pub(crate) fn text(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        text
    }

    /// A length-encoded integer; `Some(None)` is SQL's NULL.
    pub(crate) fn packed(&mut self) -> Option<Option<u64>> {
        Some(match self.int(1)? {
            0xfb => None,
            0xfc => Some(self.int(2)?),
            0xfd => Some(self.int(3)?),
            0xfe => Some(self.int(8)?),
            0xff => return None,
            small => Some(small),
        })
    }

    /// A length-encoded string; `Some(None)` is SQL's NULL.
    pub(crate) fn packed_bytes(&mut self) -> Option<Option<&'a [u8]>> {
        match self.packed()? {
            None => Some(None),
            Some(length) => Some(Some(self.take(usize::try_from(length).ok()?)?)),
        }
    }
}

/// An ERR packet: number and text. `None` for any other.
pub(crate) fn error_packet(packet: &[u8]) -> Option<(u16, String)> {
    let mut fields = Fields(packet.strip_prefix(&[0xff])?);
    let code = u16::try_from(fields.int(2)?).ok()?;
    let message = match fields.0 {
        [b'#', _, _, _, _, _, message @ ..] => message,
        message => message,
    };
    // The server's text may quote a value of a row: it is cut to what a person reads.
    let message: String = String::from_utf8_lossy(message).chars().take(512).collect();
    Some((code, message))
}

/// Whether this is an EOF packet, the end of columns or rows.
pub(crate) fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&0xfe) && packet.len() < 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn packets_of_several_frames() {
        let mut wire = Vec::new();
        wire.extend_from_slice(&[0xff, 0xff, 0xff, 7]);
        wire.extend(std::iter::repeat_n(1, FULL_FRAME));
        wire.extend_from_slice(&[2, 0, 0, 8, 5, 6]);
        wire.extend_from_slice(&[0, 0, 0, 9]);
        let (mut there, here) = tokio::io::duplex(1 << 16);
        let sent = tokio::spawn(async move {
            there.write_all(&wire).await.unwrap();
            there
        });
        let mut stream = PacketStream::new(Box::new(here));
        let packet = stream.read(1 << 25).await.unwrap();
        assert_eq!((packet.len(), &packet[FULL_FRAME..]), (FULL_FRAME + 2, &[5, 6][..]));
        assert!(stream.read(1 << 25).await.unwrap().is_empty());
        drop(sent.await);
        assert_eq!(stream.read(10).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn fields_end_where_the_packet_does() {
        assert_eq!(Fields(&[0xfc, 1]).packed(), None);
        assert_eq!(Fields(&[0xfc, 1, 1]).packed(), Some(Some(257)));
        assert_eq!(Fields(&[0xfb]).packed_bytes(), Some(None));
        assert_eq!(Fields(&[3, b'a']).packed_bytes(), None);
        assert_eq!(Fields(b"abc\0d").text(), b"abc");
        assert_eq!(error_packet(b"\xff\x15\x04#28000Access denied"), Some((1045, "Access denied".to_owned())));
        assert_eq!(error_packet(b"\xff\x15"), None);
    }
}
