//! Takes from this process what a reader of a file does not need: files, networks, other processes, memory and time without end.
//!
//! Limits of the kernel work on every Unix; the filter of system calls works on Linux with 64-bit x86 or ARM processors.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files: those three that are open already.
const FILES: u64 = 3;

/// Lets the kernel end this process first when the machine runs out of memory. Not every container allows it.
pub(crate) fn spare_others() {
    if cfg!(target_os = "linux") {
        let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    }
}

/// Confines this process for good.
///
/// # Errors
/// The kernel refuses: then the file must not be read.
pub(crate) fn confine(memory_bytes: u64, cpu_seconds: u64) -> io::Result<()> {
    // The program itself is mapped already, and differs from build to build.
    let memory = mapped_bytes().saturating_add(memory_bytes);
    limit(Resource::As, memory, memory)?;
    // The first limit ends the process with a signal that tells why, the second one whatever it does about it.
    limit(Resource::Cpu, cpu_seconds, cpu_seconds.saturating_add(1))?;
    for (resource, most) in
        [(Resource::Nofile, FILES), (Resource::Fsize, 0), (Resource::Core, 0), (Resource::Nproc, 0)]
    {
        limit(resource, most, most)?;
    }
    filter_system_calls()
}

fn limit(resource: Resource, current: u64, maximum: u64) -> io::Result<()> {
    // Nobody may raise a limit that the house has set lower.
    let set = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let (current, maximum) = (current.min(set), maximum.min(set));
    Ok(setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })?)
}

/// Address space in use, in bytes; 0 where nobody tells.
fn mapped_bytes() -> u64 {
    let told = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = told.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kilobytes = size.and_then(|size| size.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0).saturating_mul(1024)
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn filter_system_calls() -> io::Result<()> {
    use std::collections::BTreeMap;

    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter,
    };

    /// What it takes to use memory, to read and write what is open, to fall over, and to end.
    const ALLOWED: &[libc::c_long] = &[
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_lseek,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    const NOT_PERMITTED: u32 = 1;

    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    // It may end itself with a signal, and nobody else.
    let myself = u64::from(std::process::id());
    let to_itself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, myself)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(io::Error::other)?;
    rules.insert(libc::SYS_tgkill, vec![to_itself]);
    let arch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter =
        SeccompFilter::new(rules, SeccompAction::Errno(NOT_PERMITTED), SeccompAction::Allow, arch)
            .map_err(io::Error::other)?;
    let program: BpfProgram = filter.try_into().map_err(io::Error::other)?;
    apply_filter(&program).map_err(io::Error::other)
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn filter_system_calls() -> io::Result<()> {
    Ok(())
}
