import PouchAWS
import PouchKit
import Testing

@Suite("The names of AWS")
struct NamesTests {
    @Test("a key is named by its full ARN")
    func keyARN() throws {
        let key = try KeyARN("arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888")
        #expect(key.region.description == "eu-west-1")
        #expect(key.account.description == "222222222222")
        _ = try KeyARN("arn:aws-us-gov:kms:us-gov-west-1:222222222222:key/mrk-11112222333344445555666677778888")
    }

    @Test(
        "an alias and a bare id are refused with the reason",
        arguments: ["alias/acme", "arn:aws:kms:eu-west-1:222222222222:alias/acme"])
    func aliases(_ text: String) {
        let error = #expect(throws: NameError.self) { try KeyARN(text) }
        #expect(error?.description.contains("an alias is looked up in the account of whoever asks") == true)
    }

    @Test(
        "what is not a full key ARN is refused",
        arguments: [
            "", "11112222-3333-4444-5555-666677778888", "arn:aws:kms:eu-west-1:222222222222:key/",
            "arn:aws:kms:eu-west-1:2222:key/11112222-3333-4444-5555-666677778888",
            "arn:aws:s3:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888",
            "arn:aws:kms::222222222222:key/11112222-3333-4444-5555-666677778888",
            "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-66667777888G",
            " arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888",
        ])
    func foreignKeys(_ text: String) {
        #expect(throws: NameError.self) { try KeyARN(text) }
    }

    @Test("an account is twelve digits", arguments: ["", "1234", "12345678901a", "1234567890123", "١١١١١١١١١١١١"])
    func accounts(_ text: String) throws {
        #expect(throws: NameError.self) { try AccountID(text) }
        #expect(try AccountID("012345678901").description == "012345678901")
    }

    @Test(
        "a bucket has a name by the rules",
        arguments: [
            "ab", "Bucket", "a_b", "-ab", "ab-", "a..b", "10.0.0.1", String(repeating: "a", count: 64), "a b", "bücket", ".ab",
        ])
    func buckets(_ text: String) throws {
        #expect(throws: NameError.self) { try BucketName(text) }
        #expect(try BucketName("my.bucket-1").description == "my.bucket-1")
    }

    @Test("a role tells its account")
    func roles() throws {
        #expect(try RoleARN("arn:aws:iam::111111111111:role/path/generator").account.description == "111111111111")
        for text in [
            "", "generator", "arn:aws:iam::111111111111:user/x", "arn:aws:iam::111111111111:role/",
            "arn:aws:sts::111111111111:assumed-role/x/y",
        ] {
            #expect(throws: NameError.self) { try RoleARN(text) }
        }
    }

    @Test(
        "a region belongs to a partition",
        arguments: [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
    func partitions(_ region: String, _ partition: String) throws {
        #expect(try Region(region).partition.rawValue == partition)
    }

    @Test("an endpoint is a scheme, a host, perhaps a port and a path")
    func endpoints() throws {
        #expect(try EndpointURL("https://127.0.0.1:4566").authority == "127.0.0.1:4566")
        #expect(try EndpointURL("https://S3.Example.com:443/base/").description == "https://s3.example.com/base")
        #expect(try EndpointURL("http://localhost:80").authority == "localhost")
        #expect(try EndpointURL("http://[::1]:9000").authority == "[::1]:9000")
        for text in [
            "", "s3.example.com", "ftp://x", "https://", "https://u:p@x", "https://x?y", "https://x:0", "https://x:99999",
            "https://x y",
        ] {
            #expect(throws: NameError.self) { try EndpointURL(text) }
        }
    }

    @Test("percent-encoding leaves letters, digits and -._~ alone, and can be undone")
    func percentEncoding() {
        let all = String(decoding: (1...127).map(UInt8.init), as: UTF8.self) + "ü€😀"
        #expect(PercentEncoding.decoded(PercentEncoding.encoded(all)) == Array(all.utf8))
        #expect(PercentEncoding.encoded("a b/ü+~") == "a%20b%2F%C3%BC%2B~")
        #expect(PercentEncoding.encodedPath("a b/ü") == "a%20b/%C3%BC")
        #expect(PercentEncoding.encodedForMetadata(Array("a b%ü\"".utf8) + [0xFF]) == "a%20b%25%C3%BC\"%FF")
        #expect(PercentEncoding.decoded("%4") == nil)
        #expect(PercentEncoding.decoded("%zz") == nil)
    }
}
