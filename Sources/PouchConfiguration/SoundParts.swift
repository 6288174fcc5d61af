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
}
