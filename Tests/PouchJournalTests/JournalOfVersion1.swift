/// A journal as the first version left it, closed: one file, delivered to acme and held for globex. Dumped by sqlite3 from a real
/// one, long texts cut short.
enum JournalOfVersion1 {
    static let dump = ###"""
        CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
        INSERT INTO grdb_migrations VALUES('1');
        CREATE TABLE journal (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            agent TEXT NOT NULL,
            closed_cleanly INTEGER NOT NULL,
            openings INTEGER NOT NULL,
            chain_sequence INTEGER NOT NULL,
            chain_previous BLOB NOT NULL
        );
        INSERT INTO journal VALUES(1,'edge-01',1,1,2,X'c1a2d88d5a1d335bffa1c2ac51a07be9c761093a7df2b2ddde3ad56279c5ae3f');
        CREATE TABLE word (
            id INTEGER PRIMARY KEY,
            text TEXT NOT NULL UNIQUE
        );
        INSERT INTO word VALUES(1,'/srv/drop');
        INSERT INTO word VALUES(2,'{"keep":{}}');
        INSERT INTO word VALUES(3,'acme');
        INSERT INTO word VALUES(4,'nightly');
        INSERT INTO word VALUES(5,'local:/srv/in');
        INSERT INTO word VALUES(6,'globex');
        INSERT INTO word VALUES(7,'local:/srv/none');
        CREATE TABLE file (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            claim TEXT NOT NULL UNIQUE,
            root INTEGER NOT NULL REFERENCES word,
            in_place INTEGER NOT NULL,
            folder INTEGER NOT NULL REFERENCES word,
            path BLOB NOT NULL,
            device INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            birth INTEGER NOT NULL,
            size INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            afterwards INTEGER NOT NULL REFERENCES word,
            admitted INTEGER NOT NULL,
            worst INTEGER NOT NULL,      -- FileStanding
            sha256 BLOB,
            crc64nvme INTEGER,
            finished INTEGER
        );
        INSERT INTO file VALUES(1,'in-place-3cbbab2035a3a253b5ae104df09e92f1',1,1,1,X'73656564732e637376',65024,
            16294131,1795645268914598701,6,1795645268914598701,2,1795645269154266753,5,
            X'8bb3ec2e7c08b7c51f36b0acdda3a2889cd055965120198bf6ca298f95be473f',5940089734939728870,NULL);
        CREATE TABLE kept (
            folder INTEGER NOT NULL REFERENCES word,
            path BLOB NOT NULL,
            device INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            birth INTEGER NOT NULL,
            size INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            PRIMARY KEY (folder, path)
        ) WITHOUT ROWID;
        INSERT INTO kept VALUES(1,X'73656564732e637376',65024,16294131,1795645268914598701,6,1795645268914598701);
        CREATE TABLE delivery (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            uuid BLOB NOT NULL UNIQUE,
            file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
            partner INTEGER NOT NULL REFERENCES word,
            route INTEGER NOT NULL REFERENCES word,
            key TEXT NOT NULL,
            target INTEGER REFERENCES word,
            state INTEGER NOT NULL,      -- StateCode
            attempts INTEGER NOT NULL,
            due INTEGER,
            retries BLOB,
            retried_by BLOB,
            ended INTEGER,
            line INTEGER                 -- of the manifest
        );
        INSERT INTO delivery VALUES(1,X'd7cf2e67c11d95a735cdf63461cac394',1,3,4,'seeds.csv',5,0,1,NULL,NULL,NULL,
            1795645269188103137,1);
        INSERT INTO delivery VALUES(2,X'966366e56ef4e444971b9fcf1a29a6c7',1,6,4,'seeds.csv',7,5,1,NULL,NULL,NULL,NULL,NULL);
        CREATE TABLE checkpoint (
            delivery INTEGER PRIMARY KEY REFERENCES delivery ON DELETE CASCADE,
            stage TEXT NOT NULL,
            version INTEGER NOT NULL,
            target TEXT NOT NULL,
            payload BLOB NOT NULL
        );
        CREATE TABLE failure (
            delivery INTEGER PRIMARY KEY REFERENCES delivery ON DELETE CASCADE,
            at INTEGER NOT NULL,
            code TEXT NOT NULL,
            attempt TEXT NOT NULL,
            cause TEXT NOT NULL,
            hint TEXT
        );
        INSERT INTO failure VALUES(2,1795645269168410049,'ENOENT','deliver seeds.csv to /srv/none/seeds.csv',
            'could not open the folder /srv/none: No such file or directory (ENOENT)',
            'make the folder /srv/none, or set create-folders: true');
        CREATE TABLE receipt (
            line INTEGER PRIMARY KEY,
            delivery INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        INSERT INTO receipt VALUES(1,1,CAST(
            '{"location":"file:///srv/in/seeds.csv","key":"seeds.csv","confirmation":"by-answer","stages":[]}' AS BLOB));
        CREATE TABLE event (
            file INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
            number INTEGER NOT NULL,
            delivery INTEGER,
            at INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            detail TEXT NOT NULL,
            PRIMARY KEY (file, number)
        ) WITHOUT ROWID;
        INSERT INTO event VALUES(1,1,2,1795645269163193096,1,'attempt 1, storing');
        INSERT INTO event VALUES(1,2,1,1795645269165697045,1,'attempt 1, storing');
        INSERT INTO event VALUES(1,3,2,1795645269168410049,5,'could not open the folder /srv/none');
        INSERT INTO event VALUES(1,4,1,1795645269169231310,2,'publishing, checkpoint place');
        INSERT INTO event VALUES(1,5,1,1795645269188103137,3,'file:///srv/in/seeds.csv');
        CREATE TABLE outbox (
            sequence INTEGER PRIMARY KEY,
            bytes BLOB NOT NULL,
            digest BLOB NOT NULL
        );
        CREATE TABLE held_partner (
            partner INTEGER PRIMARY KEY REFERENCES word,
            code TEXT NOT NULL,
            reason TEXT NOT NULL,
            since INTEGER NOT NULL
        );
        INSERT INTO held_partner VALUES(6,'ENOENT','could not open the folder /srv/none',1795645269190784867);
        CREATE TABLE delivery_count (
            folder INTEGER NOT NULL REFERENCES word,
            partner INTEGER NOT NULL REFERENCES word,
            measure INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (folder, partner, measure)
        ) WITHOUT ROWID;
        INSERT INTO delivery_count VALUES(1,3,0,1);
        INSERT INTO delivery_count VALUES(1,3,1,0);
        INSERT INTO delivery_count VALUES(1,3,2,0);
        INSERT INTO delivery_count VALUES(1,3,4,0);
        INSERT INTO delivery_count VALUES(1,3,8,1);
        INSERT INTO delivery_count VALUES(1,6,1,0);
        INSERT INTO delivery_count VALUES(1,6,2,0);
        INSERT INTO delivery_count VALUES(1,6,5,1);
        INSERT INTO delivery_count VALUES(1,6,8,1);
        CREATE TABLE file_count (
            folder INTEGER NOT NULL REFERENCES word,
            measure INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (folder, measure)
        ) WITHOUT ROWID;
        INSERT INTO file_count VALUES(1,1,0);
        INSERT INTO file_count VALUES(1,5,1);
        INSERT INTO file_count VALUES(1,8,1);
        DELETE FROM sqlite_sequence;
        INSERT INTO sqlite_sequence VALUES('file',1);
        INSERT INTO sqlite_sequence VALUES('delivery',2);
        CREATE INDEX file_finished ON file (finished);
        CREATE INDEX file_ended ON file (finished) WHERE finished IS NULL AND worst IN (0, 6, 9);
        CREATE INDEX delivery_file ON delivery (file);
        CREATE INDEX delivery_due ON delivery (partner, due) WHERE due IS NOT NULL;
        CREATE INDEX delivery_running ON delivery (partner) WHERE due IS NULL AND state BETWEEN 1 AND 4;
        CREATE INDEX delivery_stuck ON delivery (state) WHERE state >= 5 AND retried_by IS NULL;
        PRAGMA application_id = 1349481827;
        PRAGMA user_version = 1;
        """###
}
