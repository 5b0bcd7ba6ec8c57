//! A real OData 4 service: CAP over `SQLite` in memory, as npm has it, with the model beside this file.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::books::Table;

/// A service that runs until it is dropped.
pub(crate) struct Service {
    /// Where it is.
    pub(crate) url: String,
    folder: PathBuf,
    process: Child,
}

impl Service {
    /// Starts one with these tables in it.
    pub(crate) fn start(name: &str, tables: &[Table]) -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/odata");
        let packages = here.join("node_modules");
        assert!(packages.join("@sap/cds").exists(), "run tests/tools.sh first: it installs the service");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("odata-{}-{name}", std::process::id()));
        let data = folder.join("srv/data");
        std::fs::create_dir_all(&data).unwrap();
        std::fs::copy(here.join("package.json"), folder.join("package.json")).unwrap();
        std::fs::copy(here.join("books.cds"), folder.join("srv/books.cds")).unwrap();
        std::os::unix::fs::symlink(&packages, folder.join("node_modules")).unwrap();
        for table in tables {
            std::fs::write(data.join(table.name), table.text()).unwrap();
        }
        let mut process = Command::new("node")
            .args(["node_modules/@sap/cds/bin/serve.js", "all", "--in-memory", "--port", "0"])
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let mut said = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // Told once it listens: `server listening on { url: 'http://localhost:4004' }`.
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            said.push_str(&line);
            said.push('\n');
            let port = line.split("http://localhost:").nth(1)?.split('\'').next()?;
            Some(format!("http://127.0.0.1:{port}"))
        });
        let Some(url) = url else { panic!("the service did not start:\n{said}") };
        // What it says from now on is read, so that it never waits for a reader, and forgotten.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { url, folder, process }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}
