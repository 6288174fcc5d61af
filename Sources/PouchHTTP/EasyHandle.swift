import CCurl

/// One of libcurl's handles. Used by one thread at a time: the one of its `TransferLoop`.
final class EasyHandle {
    let pointer: UnsafeMutableRawPointer
    private let errorBuffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var lists: [UnsafeMutablePointer<curl_slist>] = []

    /// - Throws: `TransferProblem` when libcurl cannot give a handle.
    init() throws(TransferProblem) {
        errorBuffer.initialize(repeating: 0)
        guard LibCurl.isReady, let pointer = curl_easy_init() else {
            errorBuffer.deallocate()
            throw TransferProblem(text: "libcurl gives no handle")
        }
        self.pointer = pointer
        try set(CURLOPT_ERRORBUFFER, pointer: errorBuffer.baseAddress)
    }

    deinit {
        // The handle first: it writes to the buffer and reads the lists until it is gone.
        curl_easy_cleanup(pointer)
        for list in lists { curl_slist_free_all(list) }
        errorBuffer.deallocate()
    }

    /// What libcurl says about the failure, or about the code where it has nothing to add.
    func explanation(of code: CURLcode) -> String {
        let text = errorBuffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        guard !text.isEmpty else { return String(cString: curl_easy_strerror(code)) }
        return String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    func set(_ option: CURLoption, _ number: Int) throws(TransferProblem) {
        try check(pouch_curl_set_number(pointer, option, number), option)
    }

    func set(_ option: CURLoption, size: Int64) throws(TransferProblem) {
        try check(pouch_curl_set_size(pointer, option, curl_off_t(size)), option)
    }

    /// libcurl copies the text. `nil` takes away what is compiled in.
    func set(_ option: CURLoption, _ text: String?) throws(TransferProblem) {
        try check(pouch_curl_set_text(pointer, option, text), option)
    }

    func set(_ option: CURLoption, pointer value: UnsafeMutableRawPointer?) throws(TransferProblem) {
        try check(pouch_curl_set_pointer(pointer, option, value), option)
    }

    /// `CURLOPT_READFUNCTION`, `CURLOPT_WRITEFUNCTION` or `CURLOPT_HEADERFUNCTION`.
    func set(_ option: CURLoption, _ function: curl_read_callback) throws(TransferProblem) {
        try check(pouch_curl_set_data_function(pointer, option, function), option)
    }

    func setSeek(_ function: curl_seek_callback) throws(TransferProblem) {
        try check(pouch_curl_set_seek_function(pointer, function), CURLOPT_SEEKFUNCTION)
    }

    func setProgress(_ function: curl_xferinfo_callback) throws(TransferProblem) {
        try check(pouch_curl_set_progress_function(pointer, function), CURLOPT_XFERINFOFUNCTION)
    }

    func setBeforeRequest(_ function: curl_prereq_callback) throws(TransferProblem) {
        try check(pouch_curl_set_before_request_function(pointer, function), CURLOPT_PREREQFUNCTION)
    }

    func setOpenSocket(_ function: curl_opensocket_callback) throws(TransferProblem) {
        try check(pouch_curl_set_open_socket_function(pointer, function), CURLOPT_OPENSOCKETFUNCTION)
    }

    func setCloseSocket(_ function: curl_closesocket_callback) throws(TransferProblem) {
        try check(pouch_curl_set_close_socket_function(pointer, function), CURLOPT_CLOSESOCKETFUNCTION)
    }

    func setHostKey(_ function: @escaping curl_sshhostkeycallback) throws(TransferProblem) {
        try check(pouch_curl_set_host_key_function(pointer, function), CURLOPT_SSH_HOSTKEYFUNCTION)
    }

    /// `CURLOPT_HTTPHEADER`: complete lines, without the line break. `CURLOPT_QUOTE`, `CURLOPT_POSTQUOTE`: commands.
    func set(_ option: CURLoption, lines: [String]) throws(TransferProblem) {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else {
                curl_slist_free_all(list)
                throw TransferProblem(text: "no memory for option \(option.rawValue)")
            }
            list = longer
        }
        if let list { lists.append(list) }
        try check(pouch_curl_set_list(pointer, option, list), option)
    }

    /// Ends the pause that a callback asked for.
    func goOn() throws(TransferProblem) {
        let code = curl_easy_pause(pointer, CURLPAUSE_CONT)
        guard code == CURLE_OK else { throw TransferProblem(text: String(cString: curl_easy_strerror(code))) }
    }

    func number(_ info: CURLINFO) throws(TransferProblem) -> Int {
        var value = 0
        let code = pouch_curl_get_number(pointer, info, &value)
        guard code == CURLE_OK else { throw TransferProblem(text: String(cString: curl_easy_strerror(code))) }
        return value
    }

    /// `nil` where libcurl does not know it.
    func size(_ info: CURLINFO) -> Int64? {
        var value: curl_off_t = -1
        guard pouch_curl_get_size(pointer, info, &value) == CURLE_OK, value >= 0 else { return nil }
        return Int64(value)
    }

    private func check(_ code: CURLcode, _ option: CURLoption) throws(TransferProblem) {
        guard code == CURLE_OK else {
            let reason = String(cString: curl_easy_strerror(code))
            throw TransferProblem(text: "libcurl refuses its option \(option.rawValue): \(reason)")
        }
    }
}

/// What keeps a transfer from being started or driven at all: libcurl is out of memory or descriptors, or too old.
struct TransferProblem: Error { let text: String }

enum LibCurl {
    /// Initialises libcurl, once per process.
    static let isReady = {
        guard pouch_curl_global_init() == CURLE_OK else { return false }
        Farewell.endsWithProcess()
        return true
    }()
}
