package netfilter

import "ftplab/sim/firewall/dialect/internal/text"

// Service returns the port of a service's name as Linux systems know it
// (/etc/services).
func Service(name string) (uint16, bool) {
	if n, ok := text.Lookup(text.LinuxServices(), name); ok {
		return n, true
	}
	return text.Lookup(moreServices[:], name)
}

// ServiceNames returns all names that Service knows, for hints.
func ServiceNames() []string {
	return append(text.Names(text.LinuxServices()), text.Names(moreServices[:])...)
}

// Protocol returns the number of a protocol's name as Linux systems know it
// (/etc/protocols).
func Protocol(name string) (uint16, bool) {
	if n, ok := text.Lookup(text.Protocols(), name); ok {
		return n, true
	}
	return text.Lookup(moreProtocols[:], name)
}

// ProtocolNames returns all names that Protocol knows, for hints.
func ProtocolNames() []string {
	return append(text.Names(text.Protocols()), text.Names(moreProtocols[:])...)
}

// moreServices are the services that every Linux system names and few other devices do.
var moreServices = [...]text.Name{
	{Name: "sink", Number: 9}, {Name: "null", Number: 9}, {Name: "users", Number: 11}, {Name: "quote", Number: 17}, {Name: "ttytst", Number: 19},
	{Name: "source", Number: 19}, {Name: "fsp", Number: 21}, {Name: "fspd", Number: 21}, {Name: "timserver", Number: 37}, {Name: "nicname", Number: 43},
	{Name: "kerberos5", Number: 88}, {Name: "krb5", Number: 88}, {Name: "kerberos-sec", Number: 88}, {Name: "tsap", Number: 102},
	{Name: "acr-nema", Number: 104}, {Name: "dicom", Number: 104}, {Name: "portmapper", Number: 111}, {Name: "authentication", Number: 113},
	{Name: "tap", Number: 113}, {Name: "readnews", Number: 119}, {Name: "untp", Number: 119}, {Name: "loc-srv", Number: 135},
	{Name: "cmip-man", Number: 163}, {Name: "cmip-agent", Number: 164}, {Name: "mailq", Number: 174}, {Name: "smux", Number: 199},
	{Name: "qmtp", Number: 209}, {Name: "z3950", Number: 210}, {Name: "wais", Number: 210}, {Name: "ipx", Number: 213},
	{Name: "ptp-event", Number: 319}, {Name: "ptp-general", Number: 320}, {Name: "pawserv", Number: 345}, {Name: "zserv", Number: 346},
	{Name: "rpc2portmap", Number: 369}, {Name: "codaauth2", Number: 370}, {Name: "clearcase", Number: 371}, {Name: "Clearcase", Number: 371},
	{Name: "svrloc", Number: 427}, {Name: "snpp", Number: 444}, {Name: "ssmtp", Number: 465}, {Name: "saft", Number: 487}, {Name: "nqs", Number: 607},
	{Name: "asf-rmcp", Number: 623}, {Name: "qmqp", Number: 628}, {Name: "ldp", Number: 646}, {Name: "biff", Number: 512},
	{Name: "comsat", Number: 512}, {Name: "whod", Number: 513}, {Name: "cmd", Number: 514}, {Name: "spooler", Number: 515},
	{Name: "ntalk", Number: 518}, {Name: "router", Number: 520}, {Name: "routed", Number: 520}, {Name: "gdomap", Number: 538},
	{Name: "uucpd", Number: 540}, {Name: "krcmd", Number: 544}, {Name: "afpovertcp", Number: 548}, {Name: "snntp", Number: 563},
	{Name: "tinc", Number: 655}, {Name: "silc", Number: 706}, {Name: "kerberos-adm", Number: 749}, {Name: "proofd", Number: 1093},
	{Name: "rootd", Number: 1094}, {Name: "rmiregistry", Number: 1099}, {Name: "lotusnote", Number: 1352}, {Name: "lotusnotes", Number: 1352},
	{Name: "ingreslock", Number: 1524}, {Name: "datametrics", Number: 1645}, {Name: "old-radius", Number: 1645}, {Name: "sa-msg-port", Number: 1646},
	{Name: "old-radacct", Number: 1646}, {Name: "kermit", Number: 1649}, {Name: "groupwise", Number: 1677}, {Name: "radacct", Number: 1813},
	{Name: "cisco-sccp", Number: 2000}, {Name: "gnunet", Number: 2086}, {Name: "rtcm-sc104", Number: 2101}, {Name: "gsigatekeeper", Number: 2119},
	{Name: "gris", Number: 2135}, {Name: "cvspserver", Number: 2401}, {Name: "venus", Number: 2430}, {Name: "venus-se", Number: 2431},
	{Name: "codasrv", Number: 2432}, {Name: "codasrv-se", Number: 2433}, {Name: "mon", Number: 2583}, {Name: "dict", Number: 2628},
	{Name: "f5-globalsite", Number: 2792}, {Name: "gsiftp", Number: 2811}, {Name: "gpsd", Number: 2947}, {Name: "gds-db", Number: 3050},
	{Name: "gds_db", Number: 3050}, {Name: "icpv2", Number: 3130}, {Name: "icp", Number: 3130}, {Name: "isns", Number: 3205},
	{Name: "iscsi-target", Number: 3260}, {Name: "nut", Number: 3493}, {Name: "distcc", Number: 3632}, {Name: "daap", Number: 3689},
	{Name: "subversion", Number: 3690}, {Name: "suucp", Number: 4031}, {Name: "sysrqd", Number: 4094}, {Name: "sieve", Number: 4190},
	{Name: "epmd", Number: 4369}, {Name: "remctl", Number: 4373}, {Name: "f5-iquery", Number: 4353}, {Name: "ntske", Number: 4460},
	{Name: "ipsec-nat-t", Number: 4500}, {Name: "mtn", Number: 4691}, {Name: "jabber-client", Number: 5222}, {Name: "jabber-server", Number: 5269},
	{Name: "cfengine", Number: 5308}, {Name: "postgres", Number: 5432}, {Name: "freeciv", Number: 5556}, {Name: "rptp", Number: 5556},
	{Name: "amqps", Number: 5671}, {Name: "x11-0", Number: 6000}, {Name: "x11-1", Number: 6001}, {Name: "x11-2", Number: 6002},
	{Name: "x11-3", Number: 6003}, {Name: "x11-4", Number: 6004}, {Name: "x11-5", Number: 6005}, {Name: "x11-6", Number: 6006},
	{Name: "x11-7", Number: 6007}, {Name: "gnutella-svc", Number: 6346}, {Name: "gnutella-rtr", Number: 6347}, {Name: "redis", Number: 6379},
	{Name: "sge-qmaster", Number: 6444}, {Name: "sge_qmaster", Number: 6444}, {Name: "sge-execd", Number: 6445}, {Name: "sge_execd", Number: 6445},
	{Name: "mysql-proxy", Number: 6446}, {Name: "babel", Number: 6696}, {Name: "ircs-u", Number: 6697}, {Name: "bbs", Number: 7000},
	{Name: "afs3-fileserver", Number: 7000}, {Name: "afs3-callback", Number: 7001}, {Name: "afs3-prserver", Number: 7002},
	{Name: "afs3-vlserver", Number: 7003}, {Name: "afs3-kaserver", Number: 7004}, {Name: "afs3-volser", Number: 7005}, {Name: "afs3-bos", Number: 7007},
	{Name: "afs3-update", Number: 7008}, {Name: "afs3-rmtsys", Number: 7009}, {Name: "font-service", Number: 7100}, {Name: "xfs", Number: 7100},
	{Name: "puppet", Number: 8140}, {Name: "bacula-dir", Number: 9101}, {Name: "bacula-fd", Number: 9102}, {Name: "bacula-sd", Number: 9103},
	{Name: "xmms2", Number: 9667}, {Name: "nbd", Number: 10809}, {Name: "zabbix-agent", Number: 10050}, {Name: "zabbix-trapper", Number: 10051},
	{Name: "amanda", Number: 10080}, {Name: "hkp", Number: 11371}, {Name: "db-lsp", Number: 17500}, {Name: "dcap", Number: 22125},
	{Name: "gsidcap", Number: 22128}, {Name: "wnn6", Number: 22273}, {Name: "rtmp", Number: 1}, {Name: "nbp", Number: 2}, {Name: "zip", Number: 6},
	{Name: "kerberos4", Number: 750}, {Name: "kerberos-iv", Number: 750}, {Name: "kdc", Number: 750}, {Name: "kerberos-master", Number: 751},
	{Name: "kerberos_master", Number: 751}, {Name: "passwd-server", Number: 752}, {Name: "passwd_server", Number: 752}, {Name: "krb-prop", Number: 754},
	{Name: "krb_prop", Number: 754}, {Name: "krb5_prop", Number: 754}, {Name: "hprop", Number: 754}, {Name: "zephyr-srv", Number: 2102},
	{Name: "zephyr-clt", Number: 2103}, {Name: "zephyr-hm", Number: 2104}, {Name: "supfilesrv", Number: 871}, {Name: "supfiledbg", Number: 1127},
	{Name: "poppassd", Number: 106}, {Name: "moira-db", Number: 775}, {Name: "moira_db", Number: 775}, {Name: "moira-update", Number: 777},
	{Name: "moira_update", Number: 777}, {Name: "moira-ureg", Number: 779}, {Name: "moira_ureg", Number: 779}, {Name: "spamd", Number: 783},
	{Name: "skkserv", Number: 1178}, {Name: "predict", Number: 1210}, {Name: "rmtcfg", Number: 1236}, {Name: "xtel", Number: 1313},
	{Name: "xtelw", Number: 1314}, {Name: "zebrasrv", Number: 2600}, {Name: "zebra", Number: 2601}, {Name: "ripd", Number: 2602},
	{Name: "ripngd", Number: 2603}, {Name: "ospfd", Number: 2604}, {Name: "bgpd", Number: 2605}, {Name: "ospf6d", Number: 2606},
	{Name: "ospfapi", Number: 2607}, {Name: "isisd", Number: 2608}, {Name: "fax", Number: 4557}, {Name: "hylafax", Number: 4559},
	{Name: "munin", Number: 4949}, {Name: "lrrd", Number: 4949}, {Name: "rplay", Number: 5555}, {Name: "nrpe", Number: 5666},
	{Name: "nsca", Number: 5667}, {Name: "canna", Number: 5680}, {Name: "syslog-tls", Number: 6514}, {Name: "sane-port", Number: 6566},
	{Name: "sane", Number: 6566}, {Name: "saned", Number: 6566}, {Name: "zope-ftp", Number: 8021}, {Name: "tproxy", Number: 8081},
	{Name: "omniorb", Number: 8088}, {Name: "clc-build-daemon", Number: 8990}, {Name: "xinetd", Number: 9098}, {Name: "zope", Number: 9673},
	{Name: "webmin", Number: 10000}, {Name: "kamanda", Number: 10081}, {Name: "amandaidx", Number: 10082}, {Name: "amidxtape", Number: 10083},
	{Name: "sgi-cmsd", Number: 17001}, {Name: "sgi-crsd", Number: 17002}, {Name: "sgi-gcd", Number: 17003}, {Name: "sgi-cad", Number: 17004},
	{Name: "binkp", Number: 24554}, {Name: "asp", Number: 27374}, {Name: "csync2", Number: 30865}, {Name: "dircproxy", Number: 57000},
	{Name: "tfido", Number: 60177}, {Name: "fido", Number: 60179},
}

// moreProtocols are the protocols that only Linux systems name.
var moreProtocols = [...]text.Name{
	{Name: "ip", Number: 0}, {Name: "hopopt", Number: 0}, {Name: "ggp", Number: 3}, {Name: "ip-encap", Number: 4}, {Name: "st", Number: 5},
	{Name: "pup", Number: 12}, {Name: "hmp", Number: 20}, {Name: "xns-idp", Number: 22}, {Name: "rdp", Number: 27}, {Name: "iso-tp4", Number: 29},
	{Name: "xtp", Number: 36}, {Name: "ddp", Number: 37}, {Name: "idpr-cmtp", Number: 38}, {Name: "ipv6", Number: 41}, {Name: "idrp", Number: 45},
	{Name: "rsvp", Number: 46}, {Name: "ipsec-esp", Number: 50}, {Name: "ipsec-ah", Number: 51}, {Name: "skip", Number: 57},
	{Name: "ipv6-nonxt", Number: 59}, {Name: "ipv6-opts", Number: 60}, {Name: "rspf", Number: 73}, {Name: "cphb", Number: 73},
	{Name: "vmtp", Number: 81}, {Name: "ospfigp", Number: 89}, {Name: "ax.25", Number: 93}, {Name: "etherip", Number: 97}, {Name: "encap", Number: 98},
	{Name: "ipcomp", Number: 108}, {Name: "isis", Number: 124}, {Name: "fc", Number: 133}, {Name: "mobility-header", Number: 135},
	{Name: "mpls-in-ip", Number: 137}, {Name: "manet", Number: 138}, {Name: "hip", Number: 139}, {Name: "shim6", Number: 140},
	{Name: "wesp", Number: 141}, {Name: "rohc", Number: 142}, {Name: "ethernet", Number: 143},
}
