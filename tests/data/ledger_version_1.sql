BEGIN TRANSACTION;
CREATE TABLE agreements (
	position INTEGER NOT NULL, 
	fields TEXT NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	run VARCHAR(40) NOT NULL, 
	PRIMARY KEY (position), 
	FOREIGN KEY(position) REFERENCES decisions (position)
);
INSERT INTO "agreements" VALUES(2,'{"name":{"bc":"a","dv":"a"}}','2026-03-01T12:00:00.000000+00:00','R000001');
CREATE TABLE couplings (
	position INTEGER NOT NULL, 
	kind VARCHAR(100) NOT NULL, 
	bc_id VARCHAR(200) NOT NULL, 
	dv_id VARCHAR(200) NOT NULL, 
	PRIMARY KEY (position), 
	CONSTRAINT one_partner_of_bc UNIQUE (kind, bc_id), 
	CONSTRAINT one_partner_of_dv UNIQUE (kind, dv_id), 
	FOREIGN KEY(position) REFERENCES decisions (position)
);
INSERT INTO "couplings" VALUES(2,'customer','A','X');
INSERT INTO "couplings" VALUES(3,'customer','B','Y');
CREATE TABLE decisions (
	position INTEGER NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	"by" VARCHAR(200) NOT NULL, 
	kind VARCHAR(100) NOT NULL, 
	verdict VARCHAR(20) NOT NULL, 
	bc_id VARCHAR(200) NOT NULL, 
	dv_id VARCHAR(200) NOT NULL, 
	batch INTEGER NOT NULL, 
	score FLOAT, 
	band VARCHAR(40) NOT NULL, 
	evidence TEXT NOT NULL, 
	fingerprint VARCHAR(200) NOT NULL, 
	note TEXT NOT NULL, 
	run VARCHAR(40) NOT NULL, 
	undoes INTEGER, 
	PRIMARY KEY (position)
);
INSERT INTO "decisions" VALUES(1,'2026-03-01T12:00:00.000000+00:00','Ada','customer','reject','A','Y',1,NULL,'','[]','f','','',NULL);
INSERT INTO "decisions" VALUES(2,'2026-03-01T12:00:00.000000+00:00','Ada','customer','confirm','A','X',2,7.5,'certain','[{"field":"name","weight":3.5}]','g','seen','',NULL);
INSERT INTO "decisions" VALUES(3,'2026-03-01T12:00:00.000000+00:00','Ada','customer','confirm','B','Y',2,NULL,'','[]','','seen','',NULL);
CREATE TABLE meta (
	"key" VARCHAR(40) NOT NULL, 
	value VARCHAR(200) NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema','1');
CREATE TABLE outcomes (
	number INTEGER NOT NULL, 
	run VARCHAR(40) NOT NULL, 
	change VARCHAR(200) NOT NULL, 
	kind VARCHAR(100) NOT NULL, 
	action VARCHAR(20) NOT NULL, 
	side VARCHAR(2) NOT NULL, 
	bc_id VARCHAR(200) NOT NULL, 
	dv_id VARCHAR(200) NOT NULL, 
	title TEXT NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	message TEXT NOT NULL, 
	status INTEGER NOT NULL, 
	request_id VARCHAR(200) NOT NULL, 
	at VARCHAR(32), 
	"by" VARCHAR(200), 
	PRIMARY KEY (number), 
	CONSTRAINT one_outcome_a_change UNIQUE (run, change), 
	FOREIGN KEY(run) REFERENCES runs (run)
);
INSERT INTO "outcomes" VALUES(1,'R000001','c1','customer','update','dv','A','X','Adatum','failed','no',400,'','2026-03-01T12:00:00.000000+00:00','Ada');
CREATE TABLE runs (
	run VARCHAR(40) NOT NULL, 
	number INTEGER NOT NULL, 
	"plan" VARCHAR(200) NOT NULL, 
	fingerprint VARCHAR(200) NOT NULL, 
	"by" VARCHAR(200) NOT NULL, 
	started VARCHAR(32) NOT NULL, 
	ended VARCHAR(32), 
	PRIMARY KEY (run), 
	UNIQUE (number)
);
INSERT INTO "runs" VALUES('R000001',1,'plan','print','Ada','2026-03-01T12:00:00.000000+00:00','2026-03-01T12:00:00.000000+00:00');
CREATE TABLE standing (
	kind VARCHAR(100) NOT NULL, 
	bc_id VARCHAR(200) NOT NULL, 
	dv_id VARCHAR(200) NOT NULL, 
	verdict VARCHAR(20) NOT NULL, 
	position INTEGER NOT NULL, 
	PRIMARY KEY (kind, bc_id, dv_id), 
	FOREIGN KEY(position) REFERENCES decisions (position)
);
INSERT INTO "standing" VALUES('customer','A','Y','reject',1);
CREATE INDEX decisions_of_dv ON decisions (kind, dv_id);
CREATE INDEX decisions_by_undoes ON decisions (undoes, batch);
CREATE INDEX decisions_of_bc ON decisions (kind, bc_id);
CREATE INDEX ix_decisions_run ON decisions (run);
CREATE INDEX ix_decisions_batch ON decisions (batch);
CREATE TRIGGER refuse_update BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are only ever appended'); END;
CREATE TRIGGER refuse_delete BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are only ever appended'); END;
CREATE TRIGGER refuse_gap BEFORE INSERT ON decisions WHEN NEW.position <> (SELECT COALESCE(MAX(position), 0) + 1 FROM decisions) BEGIN SELECT RAISE(ABORT, 'decisions are only ever appended'); END;
CREATE INDEX ix_runs_plan ON runs ("plan");
CREATE INDEX outcomes_of_change ON outcomes (change, state);
CREATE INDEX outcomes_of_run ON outcomes (run, state, change);
CREATE INDEX ix_outcomes_state ON outcomes (state);
COMMIT;
