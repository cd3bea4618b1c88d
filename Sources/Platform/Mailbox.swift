// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Messages from other threads to the thread of one loop, in order. A loop may have several mailboxes.
///
/// Only this crosses threads: the loop and everything it owns belong to one.
public final class Mailbox<Message: Sendable>: Sendable {
  private let messages = Mutex<[Message]>([])
  private let waker: Waker

  /// A mailbox whose messages end a turn of `loop`.
  public init(waking loop: EventLoop) { waker = loop.waker }

  /// Adds a message and wakes the loop. Never waits for the loop.
  public func post(_ message: Message) {
    let wasEmpty = messages.withLock { messages in
      messages.append(message)
      return messages.count == 1
    }
    // A mailbox with messages has already woken its loop.
    if wasEmpty { waker.wake() }
  }

  /// Takes all messages. The loop's owner calls it after each turn.
  public func takeAll() -> [Message] {
    messages.withLock { messages in
      guard !messages.isEmpty else { return [] }
      defer { messages = [] }
      return messages
    }
  }
}
