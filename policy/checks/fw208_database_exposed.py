"""A rule lets a database in from everywhere.

Databases are made for a trusted network. Many ask for no password unless they are told to (Redis, MongoDB,
Elasticsearch, memcached), and tens of thousands of open ones have been emptied and held for ransom. The programs
that use a database have known addresses.

**What to do.** Allow it from the machines that use it.

**What is said exactly.** Reported is a rule of which this is true of the packets of such a service that come to it,
match it, and pass all tables, whatever the unknown conditions are: they open connections, come from outside, and
come from at least half of the public addresses of IPv4 or of IPv6. What earlier rules block does not count, so a
block list of a few addresses changes nothing, and a rule behind one that blocks the port is not reported; nor is a
rule with a rate limit, of which nobody knows whether it lets a packet in. What "outside" means is said at FW201.
The services are known by their usual ports alone: what listens on another port is not seen, and whether anything
listens at all is not known. A rule that opens much more is reported by FW201, FW203, FW204 or FW213 instead.

The services: Microsoft SQL Server (tcp/1433), SQL Server Browser (udp/1434), Oracle Database (tcp/1521), Firebird
(tcp/3050), MySQL, MariaDB (tcp/3306), MySQL X Protocol (tcp/33060), PostgreSQL (tcp/5432), CouchDB (tcp/5984),
Redis (tcp/6379), Neo4j (tcp/7687), InfluxDB (tcp/8086), Cassandra (tcp/9042), Elasticsearch (tcp/9200),
Elasticsearch, between nodes (tcp/9300), memcached (tcp/11211), CockroachDB (tcp/26257), MongoDB (tcp/27017-27019).
"""

from collections.abc import Iterator

from policy.check import Check, Facts
from policy.check.exposed import service_findings
from policy.diagnostic import Diagnostic, Severity


def _find(facts: Facts) -> Iterator[Diagnostic]:
    return service_findings(CHECK, facts, "database", "allow it only from the machines that use it")


CHECK = Check(
    code="FW208",
    name="database-exposed",
    severity=Severity.ERROR,
    page=__doc__,
    bad=(
        """
policy border at forward {
    default block
    allow tcp/5432 to 10.2.0.5 ### FW208 "PostgreSQL .tcp/5432. in from the Internet"
}
""",
        """
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A INPUT -p tcp -m multiport --dports 3306,6379 -j ACCEPT ### FW208 "MySQL, MariaDB .tcp/3306. and Redis .tcp/6379. in"
-A FORWARD -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 27017 -j ACCEPT ### FW208 "MongoDB"
COMMIT
""",
    ),
    good=(
        """
policy border at forward {
    default block
    allow tcp/5432 from 10.2.0.0/24 to 10.2.0.5
    allow tcp to 10.2.0.5 port https
}
""",
        """
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
-A INPUT -i docker0 -p tcp -m tcp --dport 3306 -j ACCEPT
-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 5432 -j ACCEPT
-A FORWARD -i eth1 -o eth0 -p tcp -m tcp --dport 1433 -j ACCEPT
COMMIT
""",
    ),
    find=_find,
)
