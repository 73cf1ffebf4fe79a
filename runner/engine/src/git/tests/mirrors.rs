//! How long mirrors stay.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::git::collect_mirrors;
use crate::git::mirrors::{Bounds, Mirrors, collect, remove};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + DAY * 10_000
}

/// Uses a mirror on a day, and gives it so many bytes.
fn add(state: &Path, key: &str, day: u32, bytes: usize) -> std::path::PathBuf {
    let mirrors = Mirrors { directory: state.join("mirrors"), clock: start };
    let (path, lock) = mirrors.lock(key, &|| false).expect("locks");
    std::fs::create_dir_all(path.join("objects/pack")).expect("makes");
    std::fs::write(path.join("objects/pack/x"), vec![0; bytes]).expect("writes");
    lock.set_modified(start() + DAY * day).expect("sets");
    path
}

fn names(state: &Path) -> usize {
    std::fs::read_dir(state.join("mirrors")).expect("reads").count()
}

#[test]
fn mirrors_go_when_nobody_uses_them_or_when_they_are_too_many() {
    let home = tempfile::tempdir().expect("a directory");
    let state = home.path();
    collect_mirrors(state, start(), u64::MAX);
    assert!(!state.join("mirrors").exists(), "nothing is made for nothing");
    let paths: Vec<_> = (0..6).map(|day| add(state, &day.to_string(), day, 100)).collect();
    let left = |now: u32, age: u32, bytes: u64| {
        collect(&state.join("mirrors"), start() + DAY * now, Bounds { age: DAY * age, bytes });
        paths.iter().map(|path| if path.exists() { 'x' } else { '-' }).collect::<String>()
    };
    assert_eq!(left(5, 5, 600), "xxxxxx");
    assert_eq!(left(5, 4, 600), "-xxxxx", "by age");
    assert_eq!(left(5, 9, 350), "---xxx", "by size");
    assert_eq!(left(0, 9, 350), "---xxx", "a clock that went back");
    assert_eq!(left(5, 9, 0), "-----x", "what would be fetched again at once");
    assert_eq!(names(state), 2, "the locks are gone too");
    add(state, "5", 7, 100);
    collect_mirrors(state, start() + DAY * 37, u64::MAX);
    assert!(paths[5].exists());
    collect_mirrors(state, start() + DAY * 38, u64::MAX);
    assert_eq!(names(state), 0);
}

#[test]
fn a_mirror_in_use_stays_and_what_a_killed_collection_left_goes() {
    let home = tempfile::tempdir().expect("a directory");
    let state = home.path();
    let path = add(state, "used", 0, 1);
    let mirrors = Mirrors { directory: state.join("mirrors"), clock: start };
    let (locked, lock) = mirrors.lock("used", &|| false).expect("locks");
    assert_eq!(locked, path);
    std::fs::create_dir_all(state.join("mirrors/removed-x/objects")).expect("makes");
    std::fs::write(state.join("mirrors/somebody's.lock"), "").expect("writes");
    collect_mirrors(state, start() + DAY * 100, u64::MAX);
    assert!(path.exists());
    assert_eq!(names(state), 3);
    drop(lock);
    collect_mirrors(state, start() + DAY * 100, u64::MAX);
    assert_eq!(names(state), 1, "what is not ours stays");
    std::fs::remove_file(add(state, "lost", 0, 1).with_extension("lock")).expect("removes");
    collect_mirrors(state, start() + DAY * 100, u64::MAX);
    assert_eq!(names(state), 3, "from now on it has a time");
    collect_mirrors(state, start() + DAY * 131, u64::MAX);
    assert_eq!(names(state), 1);
}

#[test]
fn who_waited_for_a_mirror_that_is_collected_gets_its_successor() {
    let home = tempfile::tempdir().expect("a directory");
    let path = add(home.path(), "one", 0, 1).with_extension("lock");
    let mirrors = Mirrors { directory: home.path().join("mirrors"), clock: start };
    let holder = std::cell::RefCell::new(Some(mirrors.lock("one", &|| false).expect("locks").1));
    let collected = || {
        std::fs::remove_file(&path).expect("removes");
        drop(holder.take());
        false
    };
    let (_, lock) = mirrors.lock("one", &collected).expect("locks");
    assert!(holder.borrow().is_none(), "it has waited");
    let other = std::fs::File::open(&path).expect("there is a lock again");
    assert!(other.try_lock().is_err(), "and it is the one that is held");
    drop(lock);
    assert!(other.try_lock().is_ok());
}

#[test]
fn a_mirror_that_was_used_since_it_was_looked_at_stays() {
    let home = tempfile::tempdir().expect("a directory");
    let path = add(home.path(), "one", 3, 1);
    let mirrors = home.path().join("mirrors");
    let directory = crate::directories::private_directory(&mirrors).map_err(|error| error.message).expect("opens");
    let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
    assert!(!remove(&directory, &mirrors, name, start() + DAY * 2).expect("looks"));
    assert!(path.exists());
    assert!(remove(&directory, &mirrors, name, start() + DAY * 3).expect("removes"));
    assert_eq!(names(home.path()), 0);
}

/// Builds that lock, use and unlock while others collect: two users at once would see each other's file.
#[test]
fn a_mirror_has_one_user_whatever_is_collected_meanwhile() {
    let home = tempfile::tempdir().expect("a directory");
    let state = home.path();
    let mirrors = Mirrors { directory: state.join("mirrors"), clock: start };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..40 {
                    let (path, lock) = mirrors.lock("one", &|| false).expect("locks");
                    std::fs::create_dir_all(&path).expect("makes");
                    std::fs::OpenOptions::new().write(true).create_new(true).open(path.join("in use")).expect("alone");
                    std::fs::remove_file(path.join("in use")).expect("is still there");
                    drop(lock);
                    collect(&state.join("mirrors"), start() + DAY * 100, Bounds { age: DAY, bytes: 0 });
                }
            });
        }
    });
}
