# frozen_string_literal: true

# What is asked for where a request has failed, or goes nowhere: versions, the environment, how backtraces are cut, and
# what an error is answered with, which is read from class variables.
module SharedErrors
  # In place of those that read them directly.
  module Wrapper
    def rescue_template = rescue_templates[@exception_class_name]

    def rescue_response? = rescue_responses.key?(exception.class.name)
  end

  # The same.
  module Status
    def status_code_for_exception(name) = ActionDispatch::Response.rack_status_code(rescue_responses[name])
  end

  def self.repair
    [Rails, Rails::BacktraceCleaner].zip(%i[env root]) { |mod, name| mod.public_send(name) }
    Repairs.share_variables(Rails, :@_env)
    Repairs.share_variables(Rails::BacktraceCleaner, :@root)
    Repairs.share("Rails::VERSION::STRING", "RbConfig::CONFIG")
    ActionDispatch::ExceptionWrapper.prepend(Wrapper)
    ActionDispatch::ExceptionWrapper.singleton_class.prepend(Status)
  end
end

Repairs.add "errors", upstream: "in part: Rails #58576" do |repair|
  repair.before { SharedErrors.repair }
end
