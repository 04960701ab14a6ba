// A token in the page's memory and a session in a cookie; the calls of $http carry the one and renew it by the other (ironclad).
(function () {
  "use strict";

  angular
    .module("campus", ["ironclad"])
    .controller("CampusController", ["$http", "$scope", "$timeout", "$window", "auth", CampusController]);

  function CampusController($http, $scope, $timeout, $window, auth) {
    var campus = this;
    campus.auth = auth;
    campus.credentials = {};
    clear();

    campus.login = function () {
      auth.login(campus.credentials).then(
        function (user) {
          campus.credentials = {};
          say("Welcome, " + user.username + ".", "good");
          focus("token-title");
        },
        function (error) {
          say(error.message + statusOf(error), "bad");
          focus("password");
        }
      );
    };

    campus.logout = function () {
      auth.logout();
      leave("You are logged out.", "good");
    };

    campus.call = function (path) {
      var before = campus.status;
      campus.status[path] = "…";
      $http.get(path).then(show, show);

      function show(response) {
        if (campus.status !== before && response.status !== 401) return; // it was for somebody who has left
        campus.status[path] = response.status > 0 ? response.status : "no answer";
        campus.answer = "GET " + path + " → " + campus.status[path] + "\n" + angular.toJson(response.data, 2);
      }
    };

    campus.toneOf = function (path) {
      return campus.status[path] === 200 ? "good" : campus.status[path] ? "bad" : "";
    };

    $scope.$on("unauthenticated", function () {
      leave("Your session is over. Please log in again.", "bad");
    });

    function clear() {
      campus.status = {};
      campus.answer = "Nothing called yet.";
    }

    function leave(message, tone) {
      clear();
      say(message, tone);
      focus("username");
    }

    function say(message, tone) {
      campus.message = message;
      campus.tone = tone;
    }

    function statusOf(error) {
      return " (" + (error.status || "no answer") + ")";
    }

    function focus(id) {
      $timeout(function () {
        $window.document.getElementById(id).focus();
      });
    }
  }
})();
