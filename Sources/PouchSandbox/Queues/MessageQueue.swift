package import PouchKit

/// The messages of one queue: a value, with the time as an argument.
package struct MessageQueue: Sendable {
    package struct Message: Sendable {
        package let id: String
        package let body: String
        package let sent: Timestamp
        package fileprivate(set) var receiveCount = 0
        fileprivate var receipt: String?
        fileprivate(set) var firstReceived: Timestamp?
    }

    /// What came of moving a message by a receipt.
    package enum Outcome: Sendable, Equatable {
        case done
        /// It is deleted, or not in flight any more.
        case gone
        case unknownReceipt
    }

    private var messages: [Int: Message] = [:]
    /// Those that can be received, the oldest first; what was deleted meanwhile is skipped.
    private var ready: [Int] = []
    private var readyStart = 0
    /// Until when those that were received are kept from others.
    private var hidden: [Int: Timestamp] = [:]
    private var nextNumber = 0

    package init() {}

    package var waitingCount: Int { messages.count - hidden.count }
    package var inFlightCount: Int { hidden.count }
    package var all: [Message] { messages.sorted { $0.key < $1.key }.map(\.value) }

    /// When the next hidden message comes back, if no one touches it.
    package var nextReturn: Timestamp? { hidden.values.min() }

    package mutating func send(_ body: String, id: String, at now: Timestamp) {
        messages[nextNumber] = Message(id: id, body: body, sent: now)
        ready.append(nextNumber)
        nextNumber += 1
    }

    /// - Parameters:
    ///   - mostReceptions: A message that was received so often is not given again, but handed out as dead.
    ///   - receipt: Makes the random part of a receipt.
    package mutating func receive(
        _ most: Int,
        hiddenFor visibility: Duration,
        mostReceptions: Int?,
        at now: Timestamp,
        receipt: () -> String
    ) -> (given: [(message: Message, receipt: String)], dead: [Message]) {
        returnHidden(at: now)
        var given: [(message: Message, receipt: String)] = []
        var dead: [Message] = []
        // Kept from nobody: they can be received again, but not in this very call.
        var returned: [Int] = []
        while given.count < most, readyStart < ready.count {
            let number = ready[readyStart]
            readyStart += 1
            guard var message = messages[number] else { continue }
            if let mostReceptions, message.receiveCount >= mostReceptions {
                messages[number] = nil
                dead.append(message)
                continue
            }
            message.receiveCount += 1
            message.firstReceived = message.firstReceived ?? now
            let receipt = "\(number).\(receipt())"
            message.receipt = receipt
            messages[number] = message
            if visibility > .zero { hidden[number] = now.advanced(by: visibility) } else { returned.append(number) }
            given.append((message, receipt))
        }
        ready += returned
        if readyStart > 4_096 {
            ready.removeFirst(readyStart)
            readyStart = 0
        }
        return (given, dead)
    }

    /// An old receipt deletes nothing, and is no error.
    package mutating func delete(_ receipt: String) -> Outcome {
        guard let number = Self.number(of: receipt) else { return .unknownReceipt }
        guard let message = messages[number], message.receipt == receipt else { return .gone }
        messages[number] = nil
        hidden[number] = nil
        return .done
    }

    package mutating func changeVisibility(of receipt: String, to visibility: Duration, at now: Timestamp) -> Outcome {
        returnHidden(at: now)
        guard let number = Self.number(of: receipt) else { return .unknownReceipt }
        guard let message = messages[number], message.receipt == receipt, hidden[number] != nil else { return .gone }
        if visibility > .zero {
            hidden[number] = now.advanced(by: visibility)
        } else {
            hidden[number] = nil
            ready.append(number)
        }
        return .done
    }

    private mutating func returnHidden(at now: Timestamp) {
        for (number, time) in hidden where time <= now {
            hidden[number] = nil
            ready.append(number)
        }
    }

    private static func number(of receipt: String) -> Int? { receipt.split(separator: ".").first.flatMap { Int($0) } }
}
