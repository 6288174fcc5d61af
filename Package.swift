// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours is built with the same strictness; `scripts/` adds
/// `--explicit-target-dependency-import-check error`, so that an arrow that is not drawn here does not compile.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
/// Only for `FilePath`, in which swift-subprocess takes a program's path.
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

func part(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: strict)
}

func plugin(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Plugins/\(name)", swiftSettings: strict)
}

func tests(of name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: dependencies,
        path: "Tests/\(name)Tests",
        swiftSettings: strict
    )
}

let package = Package(
    name: "pouch",
    products: [
        .executable(name: "pouch", targets: ["pouch"]),
        .library(name: "PouchKit", targets: ["PouchKit"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    ],
    targets: [
        // C libraries of the system: a module map and a shim each.
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CInotifyTools", providers: [.apt(["libinotifytools0-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        // System calls that glibc hides behind _GNU_SOURCE or variadics; header only.
        .systemLibrary(name: "CLinux"),
        // The one piece of C of our own: the carry-less multiplication kernel.
        .target(name: "CCRC64NVME", path: "Sources/CCRC64NVME"),

        part("PouchKit", []),
        part("PouchFiles", ["CLinux", "PouchKit"]),
        part("PouchCrypto", ["COpenSSL", "CCRC64NVME", "PouchKit"]),
        part("PouchHTTP", ["CCurl", "PouchKit"]),
        part("PouchConfiguration", ["CYAML", "PouchKit"]),
        part("PouchWatch", ["CInotifyTools", "PouchFiles", "PouchKit", logging]),
        part("PouchRouting", ["PouchKit"]),
        part("PouchJournal", ["PouchKit", grdb]),
        part("PouchManifest", ["PouchCrypto", "PouchFiles", "PouchKit"]),
        part(
            "PouchAgent",
            [
                "PouchConfiguration", "PouchCrypto", "PouchFiles", "PouchJournal", "PouchKit", "PouchManifest",
                "PouchRouting", "PouchWatch", logging, deque, lifecycle, subprocess, system,
            ]
        ),
        part("PouchAWS", ["PouchCrypto", "PouchFiles", "PouchHTTP", "PouchKit"]),
        part("PouchPartnerKit", ["PouchAWS", "PouchKit"]),
        part(
            "PouchSandbox",
            ["PouchCrypto", "PouchFiles", "PouchKit", hummingbird, hummingbirdCore, hummingbirdTLS, logging, lifecycle]),

        // The promises that every destination keeps: for the tests, and for `pouch plugin test`.
        part("PouchConformance", ["PouchCrypto", "PouchFiles", "PouchKit"]),

        plugin("ProcessDestination", ["PouchCrypto", "PouchFiles", "PouchKit"]),
        // For those who write plugins: reading a manifest, testing a plugin, beginning one.
        .target(
            name: "PouchPluginKit",
            dependencies: ["PouchConfiguration", "PouchConformance", "PouchFiles", "PouchKit", "ProcessDestination"],
            path: "Sources/PouchPluginKit",
            resources: [
                "plugin.py", "plugin.sh", "plugin.swift.txt", "pouch_plugin.py",
                "plugin-python.yaml", "plugin-sh.yaml", "plugin-swift.yaml",
            ].map { .embedInCode("Skeletons/\($0)") },
            swiftSettings: strict
        ),
        plugin("LocalDestination", ["PouchCrypto", "PouchFiles", "PouchKit"]),
        plugin("SFTPDestination", ["PouchCrypto", "PouchFiles", "PouchHTTP", "PouchKit"]),
        plugin("S3SecureInbox", ["PouchAWS", "PouchCrypto", "PouchHTTP", "PouchKit", "PouchPartnerKit"]),

        part(
            "PouchCommands",
            [
                "LocalDestination", "ProcessDestination", "S3SecureInbox", "SFTPDestination",
                "PouchAWS", "PouchAgent", "PouchConfiguration", "PouchConformance", "PouchCrypto", "PouchFiles", "PouchHTTP",
                "PouchJournal", "PouchKit", "PouchManifest", "PouchPartnerKit", "PouchPluginKit", "PouchRouting", "PouchSandbox",
                "PouchWatch",
                argumentParser, logging, lifecycle, signals,
            ]
        ),
        .executableTarget(name: "pouch", dependencies: ["PouchCommands"], path: "Sources/pouch", swiftSettings: strict),

        .target(
            name: "PouchTestSupport",
            dependencies: ["PouchConformance", "PouchFiles", "PouchCrypto", "PouchKit"],
            path: "Tests/Support",
            swiftSettings: strict
        ),
        tests(of: "PouchKit", ["PouchKit", "PouchTestSupport"]),
        tests(of: "PouchFiles", ["PouchFiles", "PouchKit", "PouchTestSupport"]),
        tests(of: "PouchCrypto", ["PouchCrypto", "PouchFiles", "PouchKit", "PouchTestSupport"]),
        tests(of: "PouchHTTP", ["PouchHTTP", "PouchKit", "PouchTestSupport"]),
        tests(of: "PouchConfiguration", ["PouchConfiguration", "PouchKit", "PouchTestSupport"]),
        tests(of: "PouchWatch", ["PouchWatch", "PouchFiles", "PouchKit", "PouchTestSupport", logging]),
        tests(of: "PouchRouting", ["PouchRouting", "PouchKit", "PouchTestSupport"]),
        tests(of: "PouchJournal", ["PouchJournal", "PouchKit", "PouchTestSupport", grdb]),
        tests(of: "PouchManifest", ["PouchManifest", "PouchCrypto", "PouchFiles", "PouchKit", "PouchTestSupport"]),
        tests(of: "PouchAWS", ["PouchAWS", "PouchCrypto", "PouchHTTP", "PouchKit", "PouchTestSupport"]),
        tests(
            of: "PouchPartnerKit",
            [
                "PouchPartnerKit", "PouchAWS", "PouchCrypto", "PouchHTTP", "PouchKit", "PouchSandbox", "PouchTestSupport",
                "S3SecureInbox",
            ]
        ),
        tests(of: "PouchSandbox", ["PouchSandbox", "PouchCrypto", "PouchKit", "PouchTestSupport"]),
        tests(of: "LocalDestination", ["LocalDestination", "PouchCrypto", "PouchFiles", "PouchKit", "PouchTestSupport"]),
        tests(
            of: "SFTPDestination",
            ["SFTPDestination", "PouchCrypto", "PouchFiles", "PouchHTTP", "PouchKit", "PouchTestSupport"]
        ),
        tests(
            of: "ProcessDestination",
            [
                "ProcessDestination", "PouchConfiguration", "PouchConformance", "PouchCrypto", "PouchFiles", "PouchKit",
                "PouchPluginKit", "PouchTestSupport",
            ]
        ),
        tests(
            of: "S3SecureInbox",
            ["S3SecureInbox", "PouchAWS", "PouchCrypto", "PouchHTTP", "PouchKit", "PouchSandbox", "PouchTestSupport"]
        ),
        tests(
            of: "PouchAgent",
            [
                "PouchAgent", "PouchConfiguration", "PouchCrypto", "PouchFiles", "PouchJournal", "PouchKit", "PouchManifest",
                "PouchRouting", "PouchWatch", "PouchTestSupport", logging,
            ]
        ),
        tests(
            of: "PouchCommands",
            [
                "PouchCommands", "PouchAgent", "PouchConfiguration", "PouchCrypto", "PouchFiles", "PouchJournal", "PouchKit",
                "PouchRouting", "PouchWatch", "PouchTestSupport", "pouch", argumentParser, logging,
            ]
        ),
        .testTarget(
            name: "ScenarioTests",
            dependencies: ["PouchConformance", "PouchCrypto", "PouchHTTP", "PouchKit", "PouchTestSupport", "pouch"],
            path: "Tests/ScenarioTests",
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6]
)
