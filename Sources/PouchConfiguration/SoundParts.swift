package import PouchKit

/// The parts of a configuration that have no problem of their own, for checks that only other modules can make.
///
/// Something may be missing here because it was wrong: conclude nothing from an absence.
package struct SoundParts: Sendable {
    /// Decodes the settings of adapters, and turns what is wrong into problems of the file.
    package let decoder: SettingsDecoder
    package let network: NetworkSettings
    package let aws: AWSSettings
    package let identities: [IdentityName: Located<IdentitySettings>]
    package let partners: [PartnerSettings]
    package let folders: [FolderSettings]
    package let routes: [RouteSettings]
    package let publish: PublishSettings?
    /// No folders and no routes were written.
    package let isPublisherOnly: Bool
    /// What a partner's settings mean, with all that they may lean on; the same text for the same meaning.
    package let meanings: [PartnerName: String]

    /// Whether a folder that a destination writes to lies in or around a watched one, where symbolic links lead: what is put
    /// there would be taken for a drop.
    ///
    /// - Parameter what: "the folder of acme".
    package func conflicts(of path: SettingsPath, at mark: Mark, called what: String) -> [ConfigurationProblem] {
        FolderChecks(folders: folders, resolve: RealPath.resolve)
            .conflicts(of: path, at: mark, called: what)
            .map { $0.inFile(decoder.file) }
    }
}
