# frozen_string_literal: true

require "json"
require "tmpdir"
require_relative "raw_client"

# For example groups about the control socket: where it is, and what it says.
module ControlSocket
  def self.included(group)
    group.around { |example| Dir.mktmpdir("kino") { |folder| @control = "#{File.realpath(folder)}/c" and example.run } }
  end

  # Its address.
  def control = "unix://#{@control}"

  def control_get(path, at: control) = RawClient.open(at) { |client| client.get(path) }

  def control_post(path, at: control) = RawClient.open(at) { |client| client.post(path, "") }

  def control_json(path) = JSON.parse(control_get(path).body)
end
