/// Where another publisher leaves word of the deliveries that it finished.
///
/// The agent asks for each delivery that it handed over, from time to time, until word came.
public protocol ReceiptShelf: Sendable {
    /// The receipt of the stages after ours; `nil` while there is none.
    ///
    /// - Parameter digests: Of the file that was handed over: a receipt that says anything else is none.
    /// - Throws: `DeliveryFailure` when it could not be asked, or what lies there is not to be believed.
    func receipt(of delivery: DeliveryID, digests: FileDigests) async throws(DeliveryFailure) -> Receipt?
}
