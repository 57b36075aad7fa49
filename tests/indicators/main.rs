//! Indicators on real servers.

mod faults;
<<<<<<< HEAD
mod mariadb;
=======
>>>>>>> 3a8364e32deac2bed9f14d70ab8d4da2bf3ba720
mod postgres;
mod proxy;
mod server;
