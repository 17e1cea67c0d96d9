//! Handing over one message. Nobody who does not read keeps more of ours than one message and its connection.

use std::time::Duration;

use axum::extract::ws::Message;
use futures::{Sink, SinkExt};
use tokio::time::timeout;

use super::End;

/// Hands a message to a listener, who has `patience` to take it.
///
/// # Errors
/// Why the socket is to be closed.
pub(super) async fn hand_over<S>(listener: &mut S, message: Message, patience: Duration) -> Result<(), End>
where
    S: Sink<Message> + Unpin,
{
    match timeout(patience, listener.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Slow),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use super::*;

    /// A listener that reads, has left, or does nothing at all.
    struct Listener(Poll<Result<(), ()>>);

    impl Sink<Message> for Listener {
        type Error = ();

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            self.0
        }

        fn start_send(self: Pin<&mut Self>, _: Message) -> Result<(), ()> {
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            self.0
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            self.0
        }
    }

    #[tokio::test]
    async fn who_does_not_read_is_left() {
        for (listener, expected) in
            [(Poll::Ready(Ok(())), Ok(())), (Poll::Ready(Err(())), Err(End::Gone)), (Poll::Pending, Err(End::Slow))]
        {
            let outcome = hand_over(&mut Listener(listener), Message::text("news"), Duration::ZERO).await;
            assert_eq!(outcome, expected);
        }
        assert_eq!(End::Slow.frame().map(|frame| frame.code), Some(1013), "and is told to come again");
    }
}
