//! Which certificate a client gets, by the name that it asks for (RFC 6066 section 3).

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::identity::Identity;

/// Certificates by their names: a name's own comes before one for any label (`*.example.org`), and the first one that was given
/// before those after it. Of several with the same name, such as an ECDSA one and an RSA one, a client has the first that it can
/// verify.
#[derive(Debug)]
pub(super) struct Names {
    exact: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// By what follows the `*.`.
    any_label: HashMap<String, Vec<Arc<CertifiedKey>>>,
    all: Vec<Arc<CertifiedKey>>,
}

impl Names {
    /// Those of all of them.
    pub(super) fn of(identities: &[Identity]) -> Names {
        let mut names = Names { exact: HashMap::new(), any_label: HashMap::new(), all: Vec::new() };
        for Identity { key, names: own, .. } in identities {
            names.all.push(key.clone());
            for name in own {
                let (map, name) = match name.strip_prefix("*.") {
                    Some(rest) => (&mut names.any_label, rest),
                    None => (&mut names.exact, &**name),
                };
                map.entry(name.to_owned()).or_default().push(key.clone());
            }
        }
        names
    }

    /// Those for a name; without one, or for one that none is for, the first that was given, and any other that the same name
    /// is for.
    fn candidates(&self, name: Option<&str>) -> &[Arc<CertifiedKey>] {
        let found = name.and_then(|name| {
            let name = name.to_ascii_lowercase();
            let of_any = || self.any_label.get(name.split_once('.')?.1);
            self.exact.get(&name).or_else(of_any)
        });
        found.unwrap_or(&self.all)
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let candidates = self.candidates(hello.server_name());
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        candidates.iter().find(fits).or(candidates.first()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::material::Certified;
    use crate::tls::provider::provider;
    use crate::tls::test_client::Made;

    #[test]
    fn a_name_has_its_own_certificate_before_that_of_any_label_and_the_default() {
        let load = |names: &[&str]| {
            let given = Made::of(names).given();
            Identity::of(&given, &Certified::read(&given).unwrap(), &provider()).unwrap()
        };
        let all = [load(&["default.org"]), load(&["*.example.org"]), load(&["a.example.org", "example.org"])];
        let names = Names::of(&all);
        let which = |name: Option<&str>| {
            let found = &names.candidates(name)[0];
            all.iter().position(|one| Arc::ptr_eq(&one.key, found)).unwrap()
        };
        assert_eq!(which(Some("a.example.org")), 2);
        assert_eq!(which(Some("A.Example.ORG")), 2);
        assert_eq!(which(Some("example.org")), 2);
        assert_eq!(which(Some("b.example.org")), 1);
        assert_eq!(which(Some("b.a.example.org")), 0, "a * is one label (RFC 9525 section 6.3)");
        assert_eq!(which(Some("org")), 0);
        assert_eq!(which(None), 0);
    }
}
