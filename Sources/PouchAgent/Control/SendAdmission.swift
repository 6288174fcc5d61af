import PouchFiles
import PouchJournal
import PouchKit

/// Why a file cannot be sent.
struct SendRefusal: Error {
    let text: String
    let hint: String?
}

/// Makes the admission of a single file that a person sends: in place, under its own name, on no route of the configuration.
struct SendAdmission {
    /// The route that such deliveries carry in journal and manifest.
    static let route = RouteName(unchecked: "send")

    let plan: AgentPlan
    let at: Timestamp

    /// Looks at the file; blocking.
    func admission(of path: String, to partner: PartnerName, as delivery: DeliveryID) throws(SendRefusal) -> Admission {
        let bytes = Array(path.utf8)
        guard path.hasPrefix("/"), let slash = bytes.lastIndex(of: UInt8(ascii: "/")), slash + 1 < bytes.count else {
            throw SendRefusal(text: "'\(VisibleText.escaped(path))' is not an absolute path of a file", hint: nil)
        }
        let folder = slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
        let name = Array(bytes[(slash + 1)...])
        let receiver = plan.partners.first { $0.name == partner }
        let status: FileStatus
        let key: DeliveryKey
        let drop: DropPath
        do {
            drop = try DropPath(bytes: name)
            let ownName = try DeliveryKey(String(decoding: name, as: UTF8.self))
            key = try receiver?.seal?.key(ownName) ?? ownName
        } catch {
            throw SendRefusal(text: "\(error)", hint: nil)
        }
        do {
            status = try DirectoryHandle.open(folder).openFile(name).status()
        } catch {
            throw SendRefusal(text: "\(error)", hint: error.isDenied ? "the agent's own user must be able to read it" : nil)
        }
        guard status.isRegular else { throw SendRefusal(text: "\(drop) is not a regular file but a \(status.kind)", hint: nil) }
        let destination = receiver?.destination
        if let largest = destination?.traits.largestFile, status.size > largest {
            throw SendRefusal(text: "\(drop) has \(status.size) bytes, and the destination takes at most \(largest)", hint: nil)
        }
        return Admission(
            folder: folder,
            path: drop,
            identity: status.identity,
            claim: ClaimedFolders.inPlace(folder: folder),
            afterwards: AfterwardsText.text(of: .keep),
            at: at,
            deliveries: [
                AdmittedDelivery(id: delivery, partner: partner, route: Self.route, key: key, target: destination?.traits.target)
            ]
        )
    }
}
