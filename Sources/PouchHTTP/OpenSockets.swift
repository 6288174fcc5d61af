import CCurl
import Glibc
import Synchronization

/// The sockets that libcurl has open for one loop, so that another thread can cut them.
final class OpenSockets: Sendable {
    private let descriptors = Mutex<Set<Int32>>([])

    /// Ends both directions of all of them: whoever reads finds the end, whoever writes an error. The far end gets a reset when they are
    /// closed: a mere end would leave one that sends without an end with a full window for minutes.
    func cut() {
        descriptors.withLock { descriptors in
            for descriptor in descriptors {
                var byReset = linger(l_onoff: 1, l_linger: 0)
                setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &byReset, socklen_t(MemoryLayout<linger>.size))
                shutdown(descriptor, Int32(SHUT_RDWR))
            }
        }
    }

    /// - Returns: `CURL_SOCKET_BAD` where there is none to be had.
    fileprivate func open(_ family: Int32, _ type: Int32, _ protocol: Int32) -> curl_socket_t {
        let descriptor = socket(family, type | Int32(SOCK_CLOEXEC.rawValue), `protocol`)
        if descriptor >= 0 { descriptors.withLock { _ = $0.insert(descriptor) } }
        return descriptor
    }

    fileprivate func close(_ descriptor: curl_socket_t) -> Int32 {
        descriptors.withLock { descriptors in
            descriptors.remove(descriptor)
            // Under the lock: `cut` must not touch a number that was given to somebody else.
            return Glibc.close(descriptor)
        }
    }
}

extension EasyHandle {
    /// What it connects is opened and closed by `sockets`, which must live for as long as the connections that are kept.
    func setSockets(_ sockets: OpenSockets) throws(TransferProblem) {
        let context = Unmanaged.passUnretained(sockets).toOpaque()
        try setOpenSocket { context, _, address in
            guard let context, let address = address?.pointee else { return CURL_SOCKET_BAD }
            return Unmanaged<OpenSockets>.fromOpaque(context).takeUnretainedValue()
                .open(address.family, address.socktype, address.protocol)
        }
        try set(CURLOPT_OPENSOCKETDATA, pointer: context)
        try setCloseSocket { context, descriptor in
            guard let context else { return Glibc.close(descriptor) }
            return Unmanaged<OpenSockets>.fromOpaque(context).takeUnretainedValue().close(descriptor)
        }
        try set(CURLOPT_CLOSESOCKETDATA, pointer: context)
    }
}
