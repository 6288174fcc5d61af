import CCurl
import Dispatch
import PouchKit

/// libcurl's handle for many transfers.
///
/// Unchecked because only the thread of its `TransferLoop` drives it; `wakeUp` is the one function that libcurl lets any
/// thread call, and whoever calls it holds a reference, so that the handle is still there.
final class MultiHandle: @unchecked Sendable {
    private let pointer: UnsafeMutableRawPointer
    /// Also until the last connection that was kept is closed.
    private let watch: TurnWatch?
    private let timer: (any DispatchSourceTimer)?

    /// - Throws: `TransferProblem` when libcurl has no handle, or none that can be woken: requests would be taken and never begun.
    init(idleConnections: Int, watch: TurnWatch? = nil) throws(TransferProblem) {
        guard LibCurl.isReady, let pointer = curl_multi_init() else { throw TransferProblem(text: "libcurl gives no multi handle") }
        guard curl_multi_wakeup(pointer) == CURLM_OK,
            pouch_curl_multi_set_number(pointer, CURLMOPT_MAXCONNECTS, idleConnections) == CURLM_OK
        else {
            curl_multi_cleanup(pointer)
            throw TransferProblem(text: "libcurl gives no multi handle that can be woken: no descriptors left")
        }
        self.pointer = pointer
        self.watch = watch
        timer = watch?.timer()
    }

    deinit {
        watch?.begin(at: SystemClock().monotonic)
        _ = Farewell.unlessOver { curl_multi_cleanup(pointer) }
        watch?.end()
        timer?.cancel()
    }

    /// Ends the `wait` that is running, or else the next one.
    func wakeUp() {
        // It can fail only where its socket pair is missing, which `init` refuses.
        curl_multi_wakeup(pointer)
    }

    func add(_ handle: EasyHandle) throws(TransferProblem) { try check(curl_multi_add_handle(pointer, handle.pointer)) }

    /// Closes the handle's connection unless its transfer was complete.
    func remove(_ handle: EasyHandle) {
        // It fails only for handles that are not there.
        curl_multi_remove_handle(pointer, handle.pointer)
    }

    /// Moves what can be moved without waiting.
    func perform() throws(TransferProblem) {
        var running: Int32 = 0
        try check(curl_multi_perform(pointer, &running))
    }

    /// Returns when something can be moved, at `wakeUp`, or after the time at the latest.
    func wait(milliseconds: Int32) throws(TransferProblem) {
        try check(curl_multi_poll(pointer, nil, 0, milliseconds, nil))
    }

    /// The next transfer that libcurl is done with.
    func nextCompleted() -> (handle: UnsafeMutableRawPointer, code: CURLcode)? {
        var left: Int32 = 0
        while let message = curl_multi_info_read(pointer, &left) {
            if message.pointee.msg == CURLMSG_DONE { return (message.pointee.easy_handle, message.pointee.data.result) }
        }
        return nil
    }

    private func check(_ code: CURLMcode) throws(TransferProblem) {
        guard code == CURLM_OK else { throw TransferProblem(text: "libcurl: \(String(cString: curl_multi_strerror(code)))") }
    }
}
